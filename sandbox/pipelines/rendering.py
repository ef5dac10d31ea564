"""A `Node` as YAML text, in the manner of the service: block style, lists in their parent's column."""

from typing import Any

import yaml

from sandbox.pipelines.syntax import MappingNode, Node, ScalarNode, SequenceNode

DUMPER: Any = getattr(yaml, "CDumper", yaml.Dumper)
TEXT = "tag:yaml.org,2002:str"


def render(node: Node) -> str:
    """YAML whose scalars, read without typing, are the texts they were; `true` and `1` stand unquoted."""
    resolver: Any = yaml.resolver.Resolver()
    return str(yaml.serialize(_plain(node, resolver), Dumper=DUMPER, width=10_000, allow_unicode=True))


def _plain(node: Node, resolver: Any) -> yaml.Node:
    if isinstance(node, SequenceNode):
        items = [_plain(item, resolver) for item in node.items]
        return yaml.SequenceNode("tag:yaml.org,2002:seq", items, flow_style=not items)
    if isinstance(node, MappingNode):
        pairs = [(_plain(key, resolver), _plain(value, resolver)) for key, value in node.pairs]
        return yaml.MappingNode("tag:yaml.org,2002:map", pairs, flow_style=not pairs)
    return _scalar(node, resolver)


def _scalar(node: ScalarNode, resolver: Any) -> yaml.Node:
    if "\n" in node.text:
        return yaml.ScalarNode(TEXT, node.text, style="|")
    if not node.text:
        return yaml.ScalarNode(TEXT, "", style="'")
    return yaml.ScalarNode(resolver.resolve(yaml.ScalarNode, node.text, (True, False)), node.text)
