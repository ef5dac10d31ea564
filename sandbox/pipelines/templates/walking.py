"""Walking a mapping or a list through its directives: what comes out are ordinary pairs and items, each with the frame
in which it is to be expanded. Evaluation is lazy, so that a variable set by one pair is seen by the next."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from sandbox.pipelines.errors import Mark, Problems
from sandbox.pipelines.expressions.values import Array, Object, Value, to_boolean, to_text
from sandbox.pipelines.syntax import MappingNode, Node, ScalarNode, SequenceNode, is_directive_key
from sandbox.pipelines.templates.directives import CHAIN, Directive, parse_directive, split
from sandbox.pipelines.templates.frames import Frame, reserved_names
from sandbox.pipelines.templates.scalars import holds_expression, to_node

EACH_FORMAT = "The expected format of an 'each' expression is: ${ each <identifier> in <value> }"
EACH_HELP = "Write ${{ each name in collection }}:, with `in` in lower case."


@dataclass(frozen=True, slots=True)
class Pair:
    """A pair that comes out of a mapping; `frame` None means that the value is expanded already."""

    key: ScalarNode
    value: Node
    frame: Frame | None


@dataclass(frozen=True, slots=True)
class Item:
    """An item that comes out of a list; `frame` None means that it is expanded already."""

    node: Node
    frame: Frame | None


class Broken:
    """Stands for the value of an expression that failed."""


class Evaluator(Protocol):
    """What walking needs of the expander. All of these add problems instead of raising; the value is then Broken."""

    problems: Problems

    def value(self, expression: str, mark: Mark, frame: Frame) -> Value | Broken: ...

    def scalar(self, node: ScalarNode, frame: Frame) -> Node: ...

    def check_syntax(self, node: Node, frame: Frame) -> None: ...


@dataclass(slots=True)
class _Chain:
    """Where an if, elseif, else chain stands."""

    is_open: bool = False
    is_taken: bool = False

    def start(self, taken: bool) -> None:
        self.is_open, self.is_taken = True, taken

    def end(self) -> None:
        self.is_open = self.is_taken = False


def walk_pairs(node: MappingNode, frame: Frame, evaluator: Evaluator) -> Iterator[Pair]:
    """The ordinary pairs of a mapping."""
    chain = _Chain()
    for key, value in node.pairs:
        directive = parse_directive(key.text)
        if directive is None:
            spelled = _key(key, frame, evaluator)
            if spelled is not None:
                yield Pair(spelled, value, frame)
            continue
        for inner in _branches(directive, key, value, chain, frame, evaluator):
            yield from _body_pairs(value, inner, evaluator)


def walk_items(node: SequenceNode, frame: Frame, evaluator: Evaluator) -> Iterator[Item]:
    """The ordinary items of a list; a lone expression that gives a list is spliced."""
    chain = _Chain()
    for item in node.items:
        key, value = item.pairs[0] if isinstance(item, MappingNode) and len(item.pairs) == 1 else (None, None)
        directive = parse_directive(key.text) if key else None
        inserted = directive is not None and directive.word == "insert"
        if key is None or value is None or not is_directive_key(key.text) or inserted:
            if inserted:
                chain.end()
            yield from _plain_item(item, frame, evaluator)
        elif directive is None:
            if _key(key, frame, evaluator) is None:
                evaluator.problems.add(f"Unexpected value '{key.text}'", key.mark, _directive_help(key.text))
            else:
                yield Item(item, frame)
        else:
            orphan = directive.word in CHAIN - {"if"} and not chain.is_open
            for inner in _branches(directive, key, value, chain, frame, evaluator):
                yield from _body_items(value, inner, evaluator)
            if orphan:
                evaluator.problems.add(f"Unexpected value '{key.text}'", key.mark)


def each_frames(directive: Directive, key: ScalarNode, frame: Frame, evaluator: Evaluator) -> Iterator[Frame]:
    """One frame per round of an `each`."""
    name = directive.variable
    if name.lower() in frame.loops or name.lower() in ("parameters", "variables"):
        message = f"The idenfifier '{name}' has already been defined within the current scope"
        evaluator.problems.add(message, key.mark, "Give the loop variable another name.")
        return
    value = evaluator.value(directive.expression, key.mark, frame)
    if isinstance(value, Array):
        yield from (frame.with_loop(name, one) for one in value.items)
    elif isinstance(value, Object):
        for member, one in value.entries.items():
            yield frame.with_loop(name, Object({"key": member, "value": one}))
    elif value is not None and value != "" and not isinstance(value, Broken):
        message = f"Expected a sequence or mapping. Actual value '{to_text(value)}'"
        evaluator.problems.add(message, key.mark, "An each goes over a list or an object.")


def _branches(
    directive: Directive, key: ScalarNode, body: Node, chain: _Chain, frame: Frame, evaluator: Evaluator
) -> Iterator[Frame]:
    """The frames in which a directive's body is to be taken: none, one, or one per round."""
    if directive.word == "insert":
        chain.end()
        yield frame
    elif directive.word == "each":
        chain.end()
        rounds = 0
        for inner in each_frames(directive, key, frame, evaluator):
            rounds += 1
            yield inner
        # A loop variable named as a function is legal as long as nobody uses it: nothing to look at then.
        if not rounds and directive.variable.lower() not in reserved_names():
            evaluator.check_syntax(body, frame.with_loop(directive.variable, None))
    elif _is_taken(directive, key, chain, frame, evaluator):
        yield frame
    else:
        evaluator.check_syntax(body, frame)


def _is_taken(directive: Directive, key: ScalarNode, chain: _Chain, frame: Frame, evaluator: Evaluator) -> bool:
    if directive.word == "if":
        chain.start(_holds(directive, key, frame, evaluator))
        return chain.is_taken
    if not chain.is_open:
        message = f"The expression directive '{directive.word}' is not supported in this context"
        help = "It follows an `if` of the same list or mapping, with no each or insert between them."
        evaluator.problems.add(message, key.mark, help)
        return False
    if chain.is_taken:
        if directive.expression:
            lone = ScalarNode(key.mark, f"${{{{ {directive.expression} }}}}")
            evaluator.check_syntax(lone, frame)
        taken = False
    else:
        taken = directive.word == "else" or _holds(directive, key, frame, evaluator)
        chain.is_taken = taken
    if directive.word == "else":
        chain.end()
    return taken


def _holds(directive: Directive, key: ScalarNode, frame: Frame, evaluator: Evaluator) -> bool:
    value = evaluator.value(directive.expression, key.mark, frame)
    return not isinstance(value, Broken) and to_boolean(value)


def _body_pairs(body: Node, frame: Frame, evaluator: Evaluator) -> Iterator[Pair]:
    """Pairs that a directive puts into its mapping."""
    if isinstance(body, MappingNode):
        yield from walk_pairs(body, frame, evaluator)
        return
    expanded = evaluator.scalar(body, frame) if isinstance(body, ScalarNode) else body
    if isinstance(expanded, MappingNode):
        yield from (Pair(replace(key, mark=body.mark), value, None) for key, value in expanded.pairs)
    elif not (isinstance(expanded, ScalarNode) and expanded.broken):
        evaluator.problems.add("Expected a mapping", body.mark, "What this directive holds goes into a mapping.")


def _body_items(body: Node, frame: Frame, evaluator: Evaluator) -> Iterator[Item]:
    """Items that a directive puts into its list."""
    if isinstance(body, SequenceNode):
        yield from walk_items(body, frame, evaluator)
    else:
        yield from _plain_item(body, frame, evaluator)


def _plain_item(item: Node, frame: Frame, evaluator: Evaluator) -> Iterator[Item]:
    if not isinstance(item, ScalarNode) or not holds_expression(item):
        yield Item(item, frame)
        return
    expanded = evaluator.scalar(item, frame)
    if isinstance(expanded, SequenceNode):
        yield from (Item(one, None) for one in expanded.items)
    elif not (isinstance(expanded, ScalarNode) and expanded.broken):
        yield Item(expanded, None)


def _key(key: ScalarNode, frame: Frame, evaluator: Evaluator) -> ScalarNode | None:
    """A key with its expressions replaced; None when they failed."""
    if not holds_expression(key):
        return key
    if _refused_directive(key, evaluator):
        return None
    expanded = evaluator.scalar(key, frame)
    if not isinstance(expanded, ScalarNode):
        evaluator.problems.add("Expected a scalar value", key.mark, "A key is one text, not a list or an object.")
        return None
    return None if expanded.broken else expanded


def _refused_directive(key: ScalarNode, evaluator: Evaluator) -> bool:
    """Report a key that begins like a directive and is not one, in the directive's words."""
    word, rest = split(key.text)
    if word == "each" and len(rest) == 3 and rest[1] != "in":
        evaluator.problems.add(f"The value '{rest[1]}' is unexpected. {EACH_FORMAT}", key.mark, EACH_HELP)
        return True
    if word == "each" and rest:
        message = (
            f"Exactly 3 parameter(s) were expected following the directive 'each'. Actual parameter count: {len(rest)}"
        )
        evaluator.problems.add(message, key.mark, EACH_HELP)
        return True
    if word in ("else", "insert") and rest:
        message = f"Exactly 0 parameter(s) were expected following the directive '{word}'."
        evaluator.problems.add(f"{message} Actual parameter count: {len(rest)}", key.mark, _directive_help(key.text))
        return True
    return False


def _directive_help(text: str) -> str:
    inner = text.strip()[3:-2].strip().lower()
    if inner.startswith("else if"):
        return "It is one word: elseif."
    if inner.split(" ")[0] in ("if", "elseif", "else", "each", "insert"):
        return "Directives are written in lower case, and if and elseif take one expression."
    return "Directives are if, elseif, else, each and insert."


def broken(mark: Mark) -> ScalarNode:
    return ScalarNode(mark, "", broken=True)


def as_node(value: Value | Broken, mark: Mark) -> Node:
    """A value, or the place-holder of a failed one, as a node."""
    return broken(mark) if isinstance(value, Broken) else to_node(value, mark)
