"""A file to its expanded `Node`: parameters, then variables in document order, then the rest; templates read, bound and
put in place. What is wrong is collected; the result then has place-holders and must not be run.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from sandbox.pipelines.errors import ExpressionError, LoadError, Mark, Problem, Problems
from sandbox.pipelines.expressions.evaluation import evaluate
from sandbox.pipelines.expressions.grammar import Expression, parse, parse_form
from sandbox.pipelines.expressions.values import Object, Value
from sandbox.pipelines.syntax import EXPRESSION_START, MappingNode, Node, ScalarNode, SequenceNode, compose
from sandbox.pipelines.templates import sources as files
from sandbox.pipelines.templates.directives import parse_directive
from sandbox.pipelines.templates.frames import Frame, VariableScope
from sandbox.pipelines.templates.parameters import NOT_ALLOWED, Declaration, Declarations, convert, declare, literal
from sandbox.pipelines.templates.scalars import Piece, as_expression, holds_expression, pieces
from sandbox.pipelines.templates.shapes import (
    ANY,
    BY_TYPE,
    ITEMS,
    LITERAL,
    PLAIN,
    REFUSED,
    SCOPES,
    shape_of_key,
)
from sandbox.pipelines.templates.sources import Location, Sources
from sandbox.pipelines.templates.walking import Broken, Item, Pair, as_node, broken, walk_items, walk_pairs

MOST_DEPTH: Final = 50
CONTENT: Final = ("stages", "jobs", "steps")


@dataclass(frozen=True, slots=True)
class Expanded:
    """An expanded file. `declarations` and `parameters` are the root's, and `files` all that were read, by label."""

    root: Node
    declarations: Declarations
    parameters: Object
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """What a load is given: queue-time parameters as text, and variables known at template time."""

    parameters: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)


class Expander:
    """Expands one pipeline. Lives for one load: keeps what it parsed, read and found wrong."""

    def __init__(self, sources: Sources, problems: Problems) -> None:
        self.problems = problems
        self._sources = sources
        self._parsed: dict[tuple[str, frozenset[str]], Expression] = {}
        self._files: dict[Location, Node] = {}
        self._aliases: dict[str, str] = {}

    def expand(self, root: Node, location: Location, request: Request) -> Expanded:
        """Expand a pipeline's root file. Raises LoadError for what cannot be gone on from (a missing file, recursion);
        all else is in `problems`."""
        self._files[location] = root
        frame = Frame(location, VariableScope(request.variables))
        if not isinstance(root, MappingNode):
            self.problems.add("A mapping was expected", root.mark, "A pipeline file begins with keys such as `steps:`.")
            return Expanded(root, Declarations(), Object())
        declarations = declare(root.get("parameters"), True, self.problems)
        given = self._queue_time(request.parameters, declarations)
        frame = frame.with_parameters(self._bind(declarations, given, None, root.mark, frame))
        self._aliases = _aliases(root)
        expanded = self._mapping(root, frame, "root")
        if root.get("extends") is not None:
            expanded = self._extends(root, expanded, frame)
        return Expanded(expanded, declarations, frame.parameters, tuple(one.label for one in self._files))

    def value(self, expression: str, mark: Mark, frame: Frame) -> Value | Broken:
        """An expression's value, or Broken with a problem added."""
        try:
            return evaluate(self._parse(expression, frame), frame.environment())
        except ExpressionError as error:
            self.problems.add(error.message, mark, error.help)
            return Broken()

    def scalar(self, node: ScalarNode, frame: Frame) -> Node:
        """A text with its expressions replaced."""
        if not holds_expression(node):
            return node
        if parse_directive(node.text):
            help = "A directive is a key: it ends with a colon, and its body is indented below."
            self.problems.add(f"Unexpected value '{node.text}'", node.mark, help)
            return broken(node.mark)
        try:
            parts = list(pieces(node.text))
            self._parse_parts(parts, frame)
        except ExpressionError as error:
            self.problems.add(error.message, node.mark, error.help)
            return broken(node.mark)
        return as_node(self.value(as_expression(parts), node.mark, frame), node.mark)

    def check_syntax(self, node: Node, frame: Frame) -> None:
        """Look at the expressions of a branch that is not taken, without evaluating them."""
        if isinstance(node, SequenceNode):
            for item in node.items:
                self.check_syntax(item, frame)
        elif isinstance(node, MappingNode):
            for key, value in node.pairs:
                directive = parse_directive(key.text)
                expression = directive.expression if directive else ""
                text = f"${{{{ {expression} }}}}" if expression else "" if directive else key.text
                self.check_syntax(replace(key, text=text), frame)
                inner = frame.with_loop(directive.variable, None) if directive and directive.variable else frame
                self.check_syntax(value, inner)
        elif EXPRESSION_START in node.text and not parse_directive(node.text):
            self._check_text(node, frame)

    def _check_text(self, node: ScalarNode, frame: Frame) -> None:
        try:
            self._parse_parts(list(pieces(node.text)), frame)
        except ExpressionError as error:
            self.problems.add(error.message, node.mark, error.help)

    def _parse_parts(self, parts: list[Piece], frame: Frame) -> None:
        """Parse what a text stands for. The service looks at the form of each part first, and at names in the whole."""
        try:
            self._parse(as_expression(parts), frame)
        except ExpressionError:
            for part in parts:
                if part.is_expression:
                    parse_form(part.text, frame.slot())
            raise

    def _parse(self, expression: str, frame: Frame) -> Expression:
        key = (expression, frozenset(frame.loops))
        if key not in self._parsed:
            self._parsed[key] = parse(expression, frame.slot())
        return self._parsed[key]

    def _node(self, node: Node, frame: Frame, shape: str) -> Node:
        if isinstance(node, ScalarNode):
            return self.scalar(node, frame)
        if isinstance(node, SequenceNode):
            return SequenceNode(node.mark, tuple(self._items(node, frame, shape)))
        if shape == "variables":
            return self._variable_mapping(node, frame)
        return self._mapping(node, frame, shape)

    def _mapping(self, node: MappingNode, frame: Frame, shape: str) -> MappingNode:
        if shape in SCOPES and shape != "root":
            frame = frame.nested()
        early: Node | None = None
        if shape in SCOPES and (variables := node.get("variables")) is not None:
            early = self._node(variables, frame, "variables")
        pairs: list[tuple[ScalarNode, Node]] = []
        for pair in walk_pairs(node, frame, self):
            if early is not None and pair.key.text == "variables" and pair.value is node.get("variables"):
                value: Node = early
            else:
                value = self._pair_value(pair, shape)
            self._add(pairs, pair.key, value)
        return MappingNode(node.mark, tuple(pairs))

    def _pair_value(self, pair: Pair, shape: str) -> Node:
        inner = shape_of_key(shape, pair.key.text)
        if pair.frame is None:
            return pair.value
        if inner == LITERAL:
            return literal(pair.value, Problems()) or pair.value if pair.key.text == "parameters" else pair.value
        if inner == REFUSED:
            return self._refused(pair.value)
        if inner == PLAIN:
            return self._plain(pair.value, pair.frame)
        return self._node(pair.value, pair.frame, inner)

    def _plain(self, node: Node, frame: Frame) -> Node:
        """Texts expanded, directives left alone: binding then refuses them."""
        if isinstance(node, ScalarNode):
            return self.scalar(node, frame)
        if isinstance(node, SequenceNode):
            return SequenceNode(node.mark, tuple(self._plain(item, frame) for item in node.items))
        return MappingNode(node.mark, tuple((key, self._plain(value, frame)) for key, value in node.pairs))

    def _add(self, pairs: list[tuple[ScalarNode, Node]], key: ScalarNode, value: Node) -> None:
        folded = key.text.lower()
        if any(known.text.lower() == folded for known, _ in pairs):
            help = "Each key stands once in a mapping, whatever its case; an inserted one may not repeat a written one."
            self.problems.add(f"'{key.text}' is already defined", key.mark, help)
        else:
            pairs.append((key, value))

    def _refused(self, node: Node) -> Node:
        """A part without its expressions, each of them a problem."""
        if isinstance(node, SequenceNode):
            return SequenceNode(node.mark, tuple(self._refused(item) for item in node.items))
        if isinstance(node, MappingNode) and any(holds_expression(key) for key, _ in node.pairs):
            node = next(key for key, _ in node.pairs if holds_expression(key))
        if isinstance(node, MappingNode):
            return MappingNode(node.mark, tuple((key, self._refused(value)) for key, value in node.pairs))
        if not holds_expression(node):
            return node
        self.problems.add(NOT_ALLOWED, node.mark, "This part is read before parameters and variables exist.")
        return broken(node.mark)

    def _items(self, node: SequenceNode, frame: Frame, shape: str) -> Iterator[Node]:
        for item in walk_items(node, frame, self):
            if item.frame is None:
                yield item.node
            elif shape in ITEMS and _is_template(item.node):
                yield from self._template(item, shape)
            else:
                expanded = self._node(item.node, item.frame, ITEMS.get(shape, ANY))
                if shape == "variables":
                    _remember(expanded, item.frame.variables)
                yield expanded

    def _variable_mapping(self, node: MappingNode, frame: Frame) -> MappingNode:
        pairs: list[tuple[ScalarNode, Node]] = []
        for pair in walk_pairs(node, frame, self):
            value = pair.value if pair.frame is None else self._node(pair.value, pair.frame, ANY)
            if isinstance(value, ScalarNode):
                frame.variables.set(pair.key.text, value.text)
            self._add(pairs, pair.key, value)
        return MappingNode(node.mark, tuple(pairs))

    def _template(self, item: Item, shape: str) -> Iterator[Node]:
        """The items that a `- template:` stands for."""
        if not isinstance(item.node, MappingNode) or item.frame is None:
            raise AssertionError("a template item is a mapping that was not expanded yet")
        given, root, frame = self._enter(item.node, item.frame, ITEMS[shape])
        for key, value in root.pairs:
            if key.text == shape:
                yield from self._included(value, frame, shape)
            elif key.text != "parameters":
                self._unexpected_in_template(key, shape, given)

    def _included(self, value: Node, frame: Frame, shape: str) -> Iterator[Node]:
        expanded = self._node(value, frame, shape)
        if isinstance(expanded, SequenceNode):
            yield from expanded.items
        elif isinstance(expanded, MappingNode) and shape == "variables":
            for name, text in expanded.pairs:
                pairs = ((ScalarNode(name.mark, "name"), name), (ScalarNode(name.mark, "value"), text))
                yield MappingNode(name.mark, pairs)
        elif not (isinstance(expanded, ScalarNode) and (expanded.broken or not expanded.text)):
            self.problems.add("Expected a sequence", expanded.mark, f"`{shape}:` of a template is a list.")

    def _unexpected_in_template(self, key: ScalarNode, shape: str, reference: ScalarNode) -> None:
        help = f"{reference.mark.file} line {reference.mark.line} includes this file under `{shape}:`."
        self.problems.add(
            f"Unexpected value '{key.text}'", key.mark, f"{help} It may hold parameters and {shape} only."
        )

    def _enter(self, node: MappingNode, frame: Frame, word: str) -> tuple[ScalarNode, MappingNode, Frame]:
        """The reference, the root of the file that it names, and the frame within that file."""
        reference, arguments = broken(node.mark), MappingNode(node.mark, ())
        for pair in walk_pairs(node, frame, self):
            if pair.key.text == "template":
                found = pair.value if pair.frame is None else self._node(pair.value, pair.frame, ANY)
                reference = found if isinstance(found, ScalarNode) else reference
            elif pair.key.text == "parameters" and isinstance(pair.value, MappingNode):
                arguments = pair.value
            elif pair.key.text == "parameters" and isinstance(pair.value, ScalarNode) and pair.frame:
                whole = self.scalar(pair.value, pair.frame)
                arguments = whole if isinstance(whole, MappingNode) else arguments
            else:
                help = f"Beside a template stand its parameters only; the rest goes into the {word}s of its file."
                self.problems.add(f"Unexpected value '{pair.key.text}'", pair.key.mark, help)
        if reference.broken:
            return reference, MappingNode(node.mark, ()), frame
        location = files.resolve(reference.text, frame.location, self._aliases)
        if frame.depth >= MOST_DEPTH:
            help = "A template includes itself, directly or through others."
            raise LoadError([Problem("Maximum object depth exceeded", Mark(location.label), help)])
        root = self._read(location, frame.location)
        declarations = declare(root.get("parameters"), False, self.problems)
        given = list(walk_pairs(arguments, frame, self))
        inner = frame.entered(location)
        values = self._bind(declarations, self._arguments(given, declarations), given, reference.mark, inner)
        return reference, root, inner.with_parameters(values)

    def _read(self, location: Location, current: Location) -> MappingNode:
        if location not in self._files:
            self._files[location] = compose(files.read(location, current, self._sources), location.label)
        root = self._files[location]
        if not isinstance(root, MappingNode):
            raise LoadError([Problem("Expected a mapping", root.mark, "A template has keys: parameters, steps ...")])
        return root

    def _arguments(self, given: Iterable[Pair], declarations: Declarations) -> dict[str, Node]:
        """Arguments expanded in the caller's frame, as the shape that the callee declares."""
        nodes: dict[str, Node] = {}
        for pair in given:
            one = declarations.find(pair.key.text)
            if one is None and declarations.listed:
                self.problems.add(
                    f"Unexpected parameter '{pair.key.text}'", pair.value.mark, declarations.nearest(pair.key.text)
                )
            shape = BY_TYPE.get(one.type, ANY) if one else ANY
            nodes[pair.key.text.lower()] = (
                pair.value if pair.frame is None else self._node(pair.value, pair.frame, shape)
            )
        return nodes

    def _bind(
        self,
        declarations: Declarations,
        given: Mapping[str, Node],
        pairs: Iterable[Pair] | None,
        mark: Mark,
        frame: Frame,
    ) -> Object:
        """Values of all declared parameters; what a lenient file is given beyond them as well."""
        values: dict[str, Value] = {}
        for one in declarations.items:
            node = given.get(one.name.lower(), self._default(one, frame))
            if node is None:
                help = f"'{one.name}' has no default: give it, or declare a default."
                place = one.mark if pairs is None else mark
                self.problems.add(f"A value for the '{one.name}' parameter must be provided.", place, help)
                values[one.name] = None
            else:
                values[one.name] = convert(one, node, self.problems)
        if not declarations.listed:
            lenient = (pair.key.text for pair in pairs or ())
            for name in lenient:
                if declarations.find(name) is None:
                    values[name] = convert(Declaration(name, "legacyObject", mark), given[name.lower()], self.problems)
        return Object(values, folds=True, strict=declarations.listed or pairs is None)

    def _default(self, one: Declaration, frame: Frame) -> Node | None:
        """A default; one of steps, jobs or stages may name templates."""
        shape = BY_TYPE.get(one.type)
        return self._node(one.default, frame, shape) if shape and one.default is not None else one.default

    def _queue_time(self, given: Mapping[str, str], declarations: Declarations) -> dict[str, Node]:
        nodes: dict[str, Node] = {}
        for name, text in given.items():
            one = declarations.find(name)
            if one is None:
                self.problems.add(f"Unexpected parameter '{name}'", None, declarations.nearest(name))
                continue
            complex_type = one.type in (*BY_TYPE, "object", "stringList")
            file = f"queue-time parameter '{one.name}'"
            nodes[name.lower()] = compose(text, file) if complex_type else ScalarNode(Mark(""), text)
        return nodes

    def _extends(self, root: MappingNode, expanded: MappingNode, frame: Frame) -> MappingNode:
        """The root with what its template supplies."""
        clash = next((key for key, _ in root.pairs if key.text in CONTENT), None)
        if clash is not None:
            help = "A file that extends a template takes its stages, jobs or steps from there."
            self.problems.add(f"Unexpected value '{clash.text}'", clash.mark, help)
        node = root.get("extends")
        if not isinstance(node, MappingNode):
            self.problems.add(
                "Expected a mapping", node.mark if node else root.mark, "Write `extends:` with `template:` below."
            )
            return expanded
        _, template, inner = self._enter(node, frame, "extend")
        supplied = self._mapping(template, inner, "root")
        if supplied.get("extends") is not None:
            supplied = self._extends(template, supplied, inner)
        own = [(key, value) for key, value in expanded.pairs if key.text != "extends"]
        for key, value in supplied.pairs:
            if key.text not in ("parameters", "extends") and not (clash and key.text in CONTENT):
                self._add(own, key, value)
        return MappingNode(expanded.mark, tuple(own))


def _is_template(node: Node) -> bool:
    return isinstance(node, MappingNode) and bool(node.pairs) and node.pairs[0][0].text == "template"


def _remember(node: Node, variables: VariableScope) -> None:
    """Let what follows see a variable of the list form."""
    if not isinstance(node, MappingNode):
        return
    name, value = node.get("name"), node.get("value")
    if isinstance(name, ScalarNode) and isinstance(value, ScalarNode):
        variables.set(name.text, value.text)


def _aliases(root: MappingNode) -> dict[str, str]:
    """Declared repositories, lower case to spelling."""
    resources = root.get("resources")
    listed = resources.get("repositories") if isinstance(resources, MappingNode) else None
    found: dict[str, str] = {}
    for item in listed.items if isinstance(listed, SequenceNode) else ():
        alias = item.get("repository") if isinstance(item, MappingNode) else None
        if isinstance(alias, ScalarNode):
            found[alias.text.lower()] = alias.text
    return found
