"""Pages of containers and blobs, and the XML the service prints them in."""

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement, tostring

from sandbox.blob.conditions import created_date, http_date
from sandbox.blob.files import Blob
from sandbox.errors import BadRequest
from sandbox.wire import Call, Reply

PAGE = 5000
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
PROPERTIES = {
    "content-encoding": "Content-Encoding",
    "content-language": "Content-Language",
    "content-md5": "Content-MD5",
    "content-disposition": "Content-Disposition",
    "cache-control": "Cache-Control",
}


@dataclass(frozen=True)
class Page:
    """What a list call asks for: names after `marker` that begin with `prefix`, at most `size`."""

    prefix: str
    delimiter: str
    marker: str
    size: int
    include: frozenset[str]

    def take(self, names: Sequence[str]) -> tuple[list[str], list[str], str]:
        """(blobs, prefixes, next marker) of this page from all names, which are sorted."""
        blobs: list[str] = []
        prefixes: list[str] = []
        last = ""
        for name in names:
            shown = self._shown(name)
            if shown == last or (self.marker and shown <= self.marker):
                continue
            if len(blobs) + len(prefixes) == self.size:
                return blobs, prefixes, _encode_marker(last)
            (blobs if shown == name else prefixes).append(shown)
            last = shown
        return blobs, prefixes, ""

    def _shown(self, name: str) -> str:
        """The name, or up to its first delimiter after the prefix."""
        if not self.delimiter:
            return name
        end = name.find(self.delimiter, len(self.prefix))
        return name if end < 0 else name[: end + len(self.delimiter)]


def get_page(call: Call) -> Page:
    """Raises BadRequest."""
    text = call.option("maxresults") or str(PAGE)
    if not text.isdigit() or int(text) == 0:
        raise BadRequest("OutOfRangeQueryParameterValue", f"maxresults is 1 to {PAGE}; this is '{text}'.")
    include = frozenset(one for one in call.option("include").split(",") if one)
    marker = _decode_marker(call.option("marker"))
    return Page(call.option("prefix"), call.option("delimiter"), marker, min(int(text), PAGE), include)


def blob_list(call: Call, container: str, page: Page, blobs: Iterable[Blob], prefixes: list[str], after: str) -> Reply:
    """The answer of List Blobs; blobs and prefixes are in one order of names."""
    root = _root(call, page, {"ContainerName": container})
    rows = [(blob.name, _blob_row(blob, "metadata" in page.include)) for blob in blobs]
    rows += [(name, _prefix_row(name)) for name in prefixes]
    SubElement(root, "Blobs").extend(row for _, row in sorted(rows, key=lambda pair: pair[0]))
    return xml(_closed(root, after))


def container_list(call: Call, page: Page, rows: Iterable[tuple[str, Mapping[str, str], Mapping[str, str]]]) -> Reply:
    """The answer of List Containers; a row is (name, properties, metadata)."""
    root = _root(call, page, {})
    top = SubElement(root, "Containers")
    found = list(rows)
    for name, properties, metadata in found[: page.size]:
        row = SubElement(top, "Container")
        SubElement(row, "Name").text = name
        _fill(SubElement(row, "Properties"), properties)
        if "metadata" in page.include:
            _fill(SubElement(row, "Metadata"), metadata)
    after = _encode_marker(found[page.size - 1][0]) if len(found) > page.size else ""
    return xml(_closed(root, after))


def block_list(committed: Sequence[tuple[str, int]], staged: Sequence[tuple[str, int]]) -> Element:
    root = Element("BlockList")
    for title, blocks in (("CommittedBlocks", committed), ("UncommittedBlocks", staged)):
        top = SubElement(root, title)
        for block_id, size in blocks:
            _fill(SubElement(top, "Block"), {"Name": block_id, "Size": str(size)})
    return root


def xml(root: Element) -> Reply:
    text = tostring(root, encoding="utf-8", xml_declaration=True)
    return Reply(200, text, {"content-type": "application/xml"})


def _root(call: Call, page: Page, attributes: Mapping[str, str]) -> Element:
    endpoint = call.base + "/" + call.path.strip("/").split("/")[0] + "/"
    root = Element("EnumerationResults", {"ServiceEndpoint": endpoint, **attributes})
    shown = {"Prefix": page.prefix, "Marker": call.option("marker"), "Delimiter": page.delimiter}
    _fill(root, {name: NOT_XML.sub("", value) for name, value in shown.items() if value})
    SubElement(root, "MaxResults").text = str(page.size)
    return root


def _closed(root: Element, after: str) -> Element:
    SubElement(root, "NextMarker").text = after
    return root


def _blob_row(blob: Blob, with_metadata: bool) -> Element:
    row = Element("Blob")
    _name(row, blob.name)
    record = blob.record
    properties = {
        "Creation-Time": created_date(blob),
        "Last-Modified": http_date(blob.modified),
        "Etag": blob.etag.strip('"'),
        "Content-Length": str(blob.size),
        "Content-Type": record.content_type,
        **{title: record.headers[name] for name, title in PROPERTIES.items() if name in record.headers},
        "BlobType": record.blob_type,
        "AccessTier": "Hot",
        "AccessTierInferred": "true",
        "LeaseStatus": "unlocked",
        "LeaseState": "available",
        "ServerEncrypted": "true",
    }
    _fill(SubElement(row, "Properties"), properties)
    if with_metadata:
        _fill(SubElement(row, "Metadata"), record.metadata)
    return row


def _prefix_row(name: str) -> Element:
    row = Element("BlobPrefix")
    _name(row, name)
    return row


def _name(row: Element, name: str) -> None:
    """A name that XML cannot hold is percent-encoded and says so, as the service does since version 2021-02-12."""
    encoded = NOT_XML.search(name) is not None
    element = SubElement(row, "Name", {"Encoded": "true"} if encoded else {})
    element.text = quote(name, errors="surrogatepass") if encoded else name


def _fill(parent: Element, values: Mapping[str, str]) -> None:
    for name, value in values.items():
        SubElement(parent, name).text = value


def _encode_marker(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode("utf-8", "surrogatepass")).decode()


def _decode_marker(marker: str) -> str:
    try:
        return base64.urlsafe_b64decode(marker).decode("utf-8", "surrogatepass")
    except ValueError as error:
        raise BadRequest("OutOfRangeQueryParameterValue", f"The marker '{marker}' is not of this server.") from error
