"""Organisations: each lies beneath `{base}/{organization}`, so that no name has to be resolved."""

import re

from sandbox.devops.context import ORGANIZATIONS, organization_id
from sandbox.devops.problems import exists, invalid
from sandbox.ids import Ids
from sandbox.store import Document, Store

NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,48}[A-Za-z0-9])?")
FIRST = "mlops-workshop"


def create_organization(store: Store, ids: Ids, name: str) -> Document:
    """A new, empty organisation. Raises BadRequest for its name and Conflict for one that is taken."""
    if not NAME.fullmatch(name):
        raise invalid(f"An organisation's name has letters, digits and inner dashes, at most 50; this is '{name}'.")
    with store.write() as change:
        if change.get(ORGANIZATIONS, organization_id(name)):
            raise exists("Organization", f"The organisation '{name}' exists already.")
        return change.put(ORGANIZATIONS, organization_id(name), {"id": ids.guid(), "name": name})


def ensure_first_organization(store: Store, ids: Ids) -> str:
    """The name of the state folder's first organisation; the first start makes it."""
    with store.write() as change:
        found = change.list(ORGANIZATIONS)
        return str(found[0].body["name"]) if found else str(create_organization(store, ids, FIRST).body["name"])
