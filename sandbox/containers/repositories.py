"""Repositories of the registries: which tag points at which digest, and references to images.

The bytes of an image are kept once, by digest (`sandbox.compute.images`); a repository knows the digests that were
pushed to it, whether a tag still points at them or not.
"""

import re
from dataclasses import dataclass
from typing import Any

from sandbox.compute.errors import ImageNotFoundError
from sandbox.compute.images import Image, Images
from sandbox.store import Document, Store, Transaction
from sandbox.store.resources import require

KIND = "registry-repository"
REGISTRIES = "microsoft.containerregistry/registries"
SUFFIX = ".azurecr.io"
REPOSITORY = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*)*"
NAME = re.compile(rf"(?P<repository>{REPOSITORY})(?::(?P<tag>\w[\w.-]{{0,127}}))?")
REFERENCE = re.compile(
    rf"(?P<server>[A-Za-z0-9-]+{re.escape(SUFFIX)})/(?P<repository>{REPOSITORY})"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)


@dataclass(frozen=True)
class Reference:
    """`server/repository:tag` or `server/repository@digest`; a digest wins over a tag."""

    server: str
    repository: str
    tag: str
    digest: str


def parse_reference(text: str) -> Reference | None:
    """The parts of a reference to an image of a registry of ours, else None."""
    found = REFERENCE.fullmatch(text)
    if not found:
        return None
    return Reference(found["server"].lower(), found["repository"], found["tag"] or "latest", found["digest"] or "")


class Repositories:
    """Tags and digests of every registry."""

    def __init__(self, store: Store, images: Images) -> None:
        self._store = store
        self._images = images

    def push(self, registry: str, repository: str, tag: str, digest: str) -> None:
        """Point a tag of the registry (its ARM id) at a stored image.

        Raises NotFound when the registry has gone, ImageNotFoundError when the image was removed with another one.
        """
        with self._store.write() as change:
            require(change, REGISTRIES, registry)
            self._images.get(digest)
            found = change.get(KIND, _id(registry, repository))
            empty: dict[str, Any] = {"repository": repository, "tags": {}, "digests": []}
            body = found.body if found else empty
            digests = body["digests"] if digest in body["digests"] else [*body["digests"], digest]
            new = {**body, "tags": {**body["tags"], tag: digest}, "digests": digests}
            change.put(KIND, _id(registry, repository), new, registry)

    def resolve(self, registry: str, reference: Reference) -> Image | None:
        """The image, when it was pushed to that repository of that registry and is still kept."""
        found = self._store.get(KIND, _id(registry, reference.repository))
        if found is None:
            return None
        digest = reference.digest or found.body["tags"].get(reference.tag, "")
        if digest not in found.body["digests"]:
            return None
        try:
            return self._images.get(digest)
        except ImageNotFoundError:
            return None

    def size(self, registry: str) -> int:
        """The bytes of all images of a registry, each counted once."""
        digests = {digest for one in self._store.list(KIND, registry) for digest in one.body["digests"]}
        return sum(self._images.get(digest).size for digest in digests & set(self._images.list()))

    def delete(self, registry: str) -> None:
        """Forget a registry's repositories, and the images that nobody else has."""
        with self._store.write() as change:
            going = change.list(KIND, registry)
            for one in going:
                change.delete(KIND, one.id)
            kept = _digests(change.list(KIND))
        self._discard(_digests(going) - kept)

    def discard_beneath(self, resource_group: str) -> None:
        """Remove the images of a resource group that is about to go; its documents go with it."""
        with self._store.read() as view:
            going = [one for one in view.beneath(resource_group) if one.kind == KIND]
            leaving = {one.key for one in going}
            kept = _digests([one for one in view.list(KIND) if one.key not in leaving])
        self._discard(_digests(going) - kept)

    def discard_unknown(self) -> None:
        """Remove images that no repository knows: of builds that did not push. Call it before the first build."""
        self._discard(set(self._images.list()) - _digests(self._store.list(KIND)))

    def _discard(self, digests: set[str]) -> None:
        for digest in digests & set(self._images.list()):
            self._images.delete(digest)


def find_registry(view: Store | Transaction, name: str) -> Document | None:
    """A registry by its name, which is unique in all of Azure, or by its login server."""
    wanted = name.lower().removesuffix(SUFFIX)
    return next((one for one in view.list(REGISTRIES) if one.name.lower() == wanted), None)


def _digests(documents: list[Document]) -> set[str]:
    return {digest for one in documents for digest in one.body["digests"]}


def _id(registry: str, repository: str) -> str:
    return f"{registry}/repositories/{repository.replace('/', '~')}"
