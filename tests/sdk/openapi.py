"""Microsoft's published OpenAPI of Azure DevOps as an oracle for bodies; success codes are the contract's."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

SPECS = Path(__file__).resolve().parents[3] / "shared" / "specs" / "azure-devops-7.1"
UNPUBLISHED = {
    "_links",
    "count",
    # Seen in recorded answers of the service, not in its published schemas (azure-devops.md, 3.1 to 3.3).
    "isDisabled",
    "isInMaintenance",
    "lastUpdateTime",
    "isOutdated",
    "creationDate",
    "typeName",
    "imageUrl",
    "defaultTeamImageUrl",
    "drafts",
    "keepForever",
}


@cache
def _definitions(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SPECS / f"{name}.json").read_text(encoding="utf-8-sig"))["definitions"]
    if name == "git":  # published as text, because its type is a parameter of the generic Change
        found["Change"]["properties"]["item"] = {"$ref": "#/definitions/GitItem"}
    return found


def conforms(value: Any, spec: str, definition: str) -> None:
    """Fail unless `value` is what the definition says: types, enumerations, and no name that is not published.

    Skips with a message where the specifications are not beside this checkout. Nulls are left out: the service
    writes them where the schemas say nothing about it.
    """
    if not SPECS.is_dir():
        pytest.skip("the OpenAPI files are not there: ../shared/specs/azure-devops-7.1")
    import jsonschema

    schema = {"$ref": f"#/definitions/{definition}", "definitions": _definitions(spec)}
    clean = _without_nulls(value)
    errors = [f"{one.json_path}: {one.message}" for one in jsonschema.Draft4Validator(schema).iter_errors(clean)]
    errors += _unpublished(clean, {"$ref": f"#/definitions/{definition}"}, _definitions(spec), "$")
    assert not errors, "\n".join(errors)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(one) for name, one in value.items() if one is not None}
    return [_without_nulls(one) for one in value] if isinstance(value, list) else value


def _unpublished(value: Any, schema: dict[str, Any], definitions: dict[str, Any], where: str) -> list[str]:
    """Names of objects that their schema does not know."""
    properties, further = _properties(schema, definitions)
    if isinstance(value, list) and "items" in schema:
        rows = [_unpublished(one, schema["items"], definitions, f"{where}[]") for one in value]
        return [error for row in rows for error in row]
    if not isinstance(value, dict) or not properties or further:
        return []
    errors = [f"{where}.{name} is not published" for name in value if name not in properties.keys() | UNPUBLISHED]
    for name, one in value.items():
        if name == "_links":  # published as an object with one map inside; on the wire it is the map
            continue
        errors += _unpublished(one, properties.get(name, {}), definitions, f"{where}.{name}")
    return errors


def _properties(schema: dict[str, Any], definitions: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """The properties of a schema with those it builds on, and whether it allows others."""
    if schema.get("$ref", "").endswith("/JObject"):
        return {}, True
    if "$ref" in schema:
        return _properties(definitions[schema["$ref"].rsplit("/", 1)[-1]], definitions)
    properties, further = dict(schema.get("properties", {})), "additionalProperties" in schema
    for base in schema.get("allOf", []):
        inherited, open_base = _properties(base, definitions)
        properties, further = inherited | properties, further or open_base
    return properties, further
