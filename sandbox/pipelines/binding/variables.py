"""`variables:` in its two forms."""

from sandbox.pipelines.binding.reading import Fields, is_broken, read_text
from sandbox.pipelines.errors import Problems
from sandbox.pipelines.model import Variable, VariableEntry, VariableGroupReference
from sandbox.pipelines.syntax import MappingNode, Node, SequenceNode


def bind_variables(node: Node | None, problems: Problems) -> tuple[VariableEntry, ...]:
    """A mapping of names and values, or a list of names and groups."""
    if node is None or is_broken(node):
        return ()
    if isinstance(node, MappingNode):
        return tuple(Variable(key.text, read_text(value, problems), mark=value.mark) for key, value in node.pairs)
    if isinstance(node, SequenceNode):
        bound = (_entry(item, problems) for item in node.items if not is_broken(item))
        return tuple(one for one in bound if one is not None)
    problems.add("Expected a mapping", node.mark, "Write `name: value` lines, or a list of `- name:` and `- group:`.")
    return ()


def _entry(node: Node, problems: Problems) -> VariableEntry | None:
    fields = Fields(node, problems)
    if fields.first() == "group":
        group = fields.text("group")
        fields.finish()
        return VariableGroupReference(group, fields.marks["group"])
    if not fields.has("name"):
        if fields.first():
            help = "In the list form each item is `- name:` with `value:`, `- group:` or `- template:`."
            problems.add(f"Unexpected value '{fields.first()}'", fields.key_mark(fields.first()), help)
        return None
    name, value = fields.text("name"), fields.text("value")
    readonly = fields.flag("readonly", False)
    fields.finish(
        hint={"isSecret": "A secret is set in the pipeline's settings or a variable group, never in the file."}
    )
    return Variable(name, value, readonly, mark=fields.marks.get("value", fields.mark))
