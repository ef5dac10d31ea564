"""Expression text to a tree. No operators and no grouping: calls, names, literals, `.name`, `[expr]` and `*`.

Arity is checked while parsing, at the token that breaks it; a name that nobody knows is reported only if the rest
parses, as the service does. Source: azure-pipelines contract, 2.3.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from sandbox.pipelines.errors import ExpressionError
from sandbox.pipelines.expressions.slots import Slot
from sandbox.pipelines.expressions.values import Value, Version

MOST_DEPTH: Final = 50
MOST_LENGTH: Final = 21_000
MOST_OPEN: Final = 100  # brackets within brackets; the service counts calls only, Python its stack
MORE = "For more help, refer to https://go.microsoft.com/fwlink/?linkid=842996"
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
NUMBER = re.compile(r"-?(\d+(\.\d*)?|\.\d+)")
VERSION = re.compile(r"\d+\.\d+\.\d+(\.\d+)?")
TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^']|'')*')|(?P<number>(?:[0-9-]|\.(?=\d))[^\s(),\[\]*']*)|(?P<mark>[(),\[\]*.])|(?P<word>[^\s(),\[\].*]+))"
)


@dataclass(frozen=True, slots=True)
class Literal:
    value: Value


@dataclass(frozen=True, slots=True)
class Name:
    """A context or loop variable; `text` as written."""

    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function call; `function` as written."""

    function: str
    arguments: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Member:
    """`target.key`, `target[key]`; `key` None is the wildcard."""

    target: "Expression"
    key: "Expression | None"


Expression = Literal | Name | Call | Member


@dataclass(frozen=True, slots=True)
class Token:
    kind: str
    text: str
    position: int  # from 1


def parse(text: str, slot: Slot) -> Expression:
    """The tree of an expression that stands in a slot. Raises ExpressionError with the service's sentence."""
    if len(text) > MOST_LENGTH:
        raise ExpressionError(f"Exceeded max expression length {MOST_LENGTH}. {MORE}", "Split it over variables.")
    return _Parser(text, slot).parse()


def parse_form(text: str, slot: Slot) -> Expression:
    """The tree by its form only: unknown names pass. Raises ExpressionError."""
    return _Parser(text, slot).form()


def tokenize(text: str) -> Iterator[Token]:
    """Tokens in order; what is no token at all comes as a word, for the parser to refuse."""
    position, previous = 0, ""
    while text[position:].strip():
        found = TOKEN.match(text, position)
        if found is None or (found.lastgroup == "number" and found.group("number")[0] == "." and previous not in "([,"):
            start = position + len(text[position:]) - len(text[position:].lstrip())
            token = Token("mark", ".", start + 1) if text[start] == "." else Token("word", text[start:], start + 1)
            position = start + len(token.text)
        else:
            name = str(found.lastgroup)
            token = Token(name, found.group(name), found.start(name) + 1)
            position = found.end()
        yield token
        previous = token.text[-1]


class _Parser:
    """Lives for one text."""

    def __init__(self, text: str, slot: Slot) -> None:
        self._text = text
        self._slot = slot
        self._tokens = list(tokenize(text))
        self._at = 0
        self._unknown: Token | None = None
        self._open: list[Token] = []

    def parse(self) -> Expression:
        tree = self.form()
        if self._unknown:
            raise self._unrecognized(self._unknown)
        return tree

    def form(self) -> Expression:
        if not self._tokens:
            raise ExpressionError("An expression was expected", "Write an expression between the brackets.")
        tree = self._expression(1)
        if self._at < len(self._tokens):
            raise self._unexpected(self._tokens[self._at])
        return tree

    def _peek(self) -> Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _next(self) -> Token:
        token = self._peek()
        if token is None:
            raise self._unclosed()
        self._at += 1
        return token

    def _unclosed(self) -> ExpressionError:
        """The innermost call or index that has no end."""
        if not self._open:
            return self._error(
                f"Unexpected symbol: '{self._tokens[-1].text}'", self._tokens[-1], "Something follows it."
            )
        token = self._open[-1]
        word = "indexer" if token.text == "[" else "function"
        return self._error(f"Unclosed {word}: '{token.text}'", token, "A closing bracket is missing.")

    def _skip(self, text: str) -> bool:
        token = self._peek()
        if token and token.kind == "mark" and token.text == text:
            self._at += 1
            return True
        return False

    def _expression(self, depth: int) -> Expression:
        if depth > MOST_DEPTH:
            raise ExpressionError(f"Exceeded max expression depth {MOST_DEPTH}. {MORE}", "Split it over variables.")
        token = self._next()
        if token.kind == "string":
            return Literal(token.text[1:-1].replace("''", "'"))
        if token.kind == "number":
            return Literal(self._number(token))
        if token.kind != "word":
            raise self._unexpected(token)
        return self._accesses(self._word(token, depth), depth)

    def _number(self, token: Token) -> Value:
        if VERSION.fullmatch(token.text):
            return Version(tuple(int(part) for part in token.text.split(".")))
        if NUMBER.fullmatch(token.text):
            return Decimal(token.text)
        self._unknown = self._unknown or token
        return None

    def _word(self, token: Token, depth: int) -> Expression:
        folded = token.text.lower()
        if folded in ("true", "false"):
            return Literal(folded == "true")
        follows = self._peek()
        opens = follows is not None and follows.kind == "mark" and follows.text == "("
        if opens:
            return self._call(token, depth)
        if folded in self._slot.functions:
            help = f"A function is called with brackets: {token.text}(...)."
            raise self._error(f"Expected '(' to follow a function: '{token.text}'", token, help)
        if not self._slot.knows(folded) or not NAME.fullmatch(token.text):
            self._unknown = self._unknown or token
        return Name(token.text)

    def _call(self, token: Token, depth: int) -> Expression:
        self._open.append(token)
        call = self._arguments(token, depth)
        self._open.pop()
        return call

    def _arguments(self, token: Token, depth: int) -> Expression:
        self._next()
        function = self._slot.functions.get(token.text.lower())
        if function is None:
            self._unknown = self._unknown or token
        fewest, most = (function.fewest, function.most) if function else (0, None)
        arguments: list[Expression] = []
        if self._closes(arguments, fewest):
            return Call(token.text, ())
        while True:
            arguments.append(self._expression(depth + 1))
            follows = self._peek()
            if (
                follows
                and most is not None
                and len(arguments) >= most
                and (follows.text == "," or len(arguments) > most)
            ):
                raise self._unexpected(follows, f"This function takes at most {most} argument(s).")
            if self._closes(arguments, fewest):
                return Call(token.text, tuple(arguments))
            if not self._skip(","):
                raise self._unexpected(self._next())

    def _closes(self, arguments: list[Expression], fewest: int) -> bool:
        token = self._peek()
        if token is None or token.text != ")" or token.kind != "mark":
            return False
        if len(arguments) < fewest:
            raise self._unexpected(token, f"This function takes at least {fewest} argument(s).")
        self._at += 1
        return True

    def _accesses(self, target: Expression, depth: int) -> Expression:
        while True:
            if self._skip("."):
                target = Member(target, self._property())
            elif self._skip("["):
                self._open.append(self._tokens[self._at - 1])
                if len(self._open) > MOST_OPEN:
                    raise ExpressionError(
                        f"Exceeded max expression depth {MOST_DEPTH}. {MORE}", "Split it over variables."
                    )
                target = Member(target, None if self._skip("*") else self._expression(depth))
                if not self._skip("]"):
                    raise self._unexpected(self._next())
                self._open.pop()
            else:
                return target

    def _property(self) -> Expression | None:
        dot = self._tokens[self._at - 1]
        token = self._peek()
        if token is None:
            help = "Write the member's name after the dot, or ['name'] when it has other characters."
            raise self._error("Expected a property name to follow the dereference operator '.': '.'", dot, help)
        self._at += 1
        if token.kind == "mark" and token.text == "*":
            return None
        if not NAME.fullmatch(token.text):
            raise self._unexpected(token, "A name with other characters is written ['name'].")
        return Literal(token.text)

    def _unexpected(self, token: Token, help: str = "") -> ExpressionError:
        infix = {"==": "eq", "!=": "ne", "<": "lt", ">": "gt", "<=": "le", ">=": "ge", "&&": "and", "||": "or"}
        if token.text in infix:
            help = f"There are no operators here: write {infix[token.text]}(left, right)."
        return self._error(f"Unexpected symbol: '{token.text}'", token, help or "Check brackets and commas around it.")

    def _unrecognized(self, token: Token) -> ExpressionError:
        return self._error(f"Unrecognized value: '{token.text}'", token, self._slot.help_for(token.text))

    def _error(self, what: str, token: Token, help: str) -> ExpressionError:
        where = f"Located at position {token.position} within expression: '{self._text}'"
        return ExpressionError(f"{what}. {where}. {MORE}", help)
