"""Expressions by themselves: grammar, kinds, functions, status, macros. Facts: azure-pipelines contract, 2.3 to 2.6."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from sandbox.pipelines.errors import ExpressionError
from sandbox.pipelines.expressions.conditions import (
    evaluate_condition,
    evaluate_step_condition,
    parse_condition,
)
from sandbox.pipelines.expressions.contexts import TEMPLATE, DependencyState, Result, RunContext
from sandbox.pipelines.expressions.evaluation import Environment, evaluate
from sandbox.pipelines.expressions.grammar import parse
from sandbox.pipelines.expressions.macros import expand_macros, expand_variables
from sandbox.pipelines.expressions.runtime import evaluate_runtime_text, is_runtime, parse_runtime
from sandbox.pipelines.expressions.values import Array, Object, Value, Version, to_text

DATA = Object(
    {
        "list": Array(("a", "B")),
        "object": Object({"k": "v"}),
        "one": Decimal(1),
        "yes": True,
        "empty": "",
        "text": "Text",
    }
)


def value_of(text: str) -> Value:
    return evaluate(parse(text, TEMPLATE.with_names("data")), Environment({"data": DATA}))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("eq(data.one, '1')", True),
        ("eq(data.one, '1.00')", True),
        ("eq('1', data.one)", True),
        ("eq('1.0', data.one)", False),
        ("eq(data.yes, 'anything')", True),
        ("eq(data.yes, '')", False),
        ("eq('true', data.yes)", True),
        ("eq(data.nope, '')", True),
        ("eq('', data.nope)", True),
        ("eq(0, data.nope)", True),
        ("eq(data.nope, 0)", False),
        ("eq('ABC', 'abc')", True),
        ("ne('a', 'b')", True),
        ("eq(data.list, data.list)", True),
        ("eq(split('a', ','), split('a', ','))", False),
        ("eq(data.text, data.list)", False),
        ("eq(true, data.list)", True),
        ("eq(1.2.3, '1.2.3')", True),
        ("eq('1.2.3', 1.2.3)", True),
        ("eq(1.2.3, 'x')", False),
        ("gt('b', 'A')", True),
        ("lt('a', 'B')", True),
        ("ge(1, '1')", True),
        ("le(1, '1,000')", True),
        ("gt(true, false)", True),
        ("lt(1.2.3, 1.10.0)", True),
        ("in('b', 'a', 'B')", True),
        ("notIn('b', 'a')", True),
        ("xor(data.yes, data.empty)", True),
        ("not(data.object)", False),
        ("and(data.one, data.list, 'x')", True),
        ("or(data.empty, data.nope, 0)", False),
        ("containsValue(data.list, 'b')", True),
        ("containsValue(data.object, 'V')", True),
        ("containsValue(data.text, 'T')", False),
        ("contains(data.text, 'EX')", True),
        ("startsWith(data.text, '')", True),
        ("endsWith('abc', 'BC')", True),
    ],
)
def test_predicates(text: str, expected: bool) -> None:
    assert value_of(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.50", "1.5"),
        ("-0.0", "0"),
        ("100", "100"),
        ("1.2.3.4", "1.2.3.4"),
        ("'It''s'", "It's"),
        ("data['object']['k']", "v"),
        ("data.list[1]", "B"),
        ("data.list[1.9]", "B"),
        ("data.list[9]", ""),
        ("data.list['x']", ""),
        ("data.text.deeper", ""),
        ("split('a,b', ',')[1]", "b"),
        ("join('-', data.list)", "a-B"),
        ("join('-', data.*)", "--1-True--Text"),
        ("join('-', data.text)", "Text"),
        ("length(split('a,,b', ','))", "3"),
        ("length(split('abc', ''))", "1"),
        ("replace('aAa', 'a', 'b')", "bAb"),
        ("lower('ÄB')", "äb"),
        ("coalesce(data.nope, data.empty, false, 'x')", "False"),
        ("format('{0}-{1}-{0}', 'a', 1)", "a-1-a"),
        ("substring('abcdef', 1, 3)", "bcd"),
        ("convertToJson(data.text)", '"Text"'),
        ("iif(data.empty, 'a', 'b')", "b"),
        ("length(data.object)", "1"),
    ],
)
def test_values(text: str, expected: str) -> None:
    assert to_text(value_of(text)) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "An expression was expected"),
        ("1 2", "Unexpected symbol: '2'. Located at position 3"),
        ("(true)", "Unexpected symbol: '('. Located at position 1"),
        ("data.", "Expected a property name to follow the dereference operator '.': '.'. Located at position 5"),
        ("data.9x", "Unexpected symbol: '9x'. Located at position 6"),
        ("data[]", "Unexpected symbol: ']'. Located at position 6"),
        ("data[1", "Unclosed indexer: '['. Located at position 5"),
        ("eq(1, 2", "Unclosed function: 'eq'. Located at position 1"),
        ("nope(1) 2", "Unexpected symbol: '2'. Located at position 9"),
        ('"double"', "Unrecognized value: '\"double\"'. Located at position 1"),
        ("! true", "Unexpected symbol: 'true'. Located at position 3"),
        ("1..2", "Unrecognized value: '1..2'. Located at position 1"),
        ("lt(1, data.object)", "Unable to convert from Object to Number. Value: Object"),
        ("lower(data.list)", "Unable to convert from Array to String. Value: Array"),
        ("format('{0')", "The following format string is invalid: {0"),
        ("data[" * 200, "Exceeded max expression depth 50"),
        (f"'{'x' * 21_000}'", "Exceeded max expression length 21000"),
    ],
)
def test_errors_in_the_services_words(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        value_of(text)
    assert caught.value.message.startswith(message)


def test_a_version_is_no_number() -> None:
    assert value_of("1.2.3") == Version((1, 2, 3))
    assert value_of("1.2") == Decimal("1.2")


def state(result: Result, **outputs: str) -> DependencyState:
    return DependencyState(result, {name.replace("_", "."): value for name, value in outputs.items()})


@pytest.mark.parametrize(
    ("condition", "results", "holds"),
    [
        ("", [], True),
        ("", [Result.SUCCEEDED, Result.SUCCEEDED_WITH_ISSUES], True),
        ("", [Result.SUCCEEDED, Result.SKIPPED], False),
        ("succeeded('d0')", [Result.SUCCEEDED, Result.FAILED], True),
        ("succeeded('nobody')", [Result.SUCCEEDED], False),
        ("failed()", [Result.SUCCEEDED, Result.FAILED], True),
        ("failed()", [Result.ABANDONED], False),
        ("failed()", [], False),
        ("succeededOrFailed()", [], True),
        ("succeededOrFailed()", [Result.SKIPPED, Result.SKIPPED], False),
        ("succeededOrFailed()", [Result.FAILED, Result.SKIPPED], True),
        ("succeededOrFailed()", [Result.ABANDONED], False),
        ("always()", [Result.ABANDONED], True),
        ("not(canceled())", [Result.ABANDONED], True),
        ("in(dependencies.D0.result, 'Failed', 'Abandoned')", [Result.ABANDONED], True),
    ],
)
def test_status_over_dependencies(condition: str, results: list[Result], holds: bool) -> None:
    context = RunContext(dependencies={f"d{index}": state(one) for index, one in enumerate(results)})
    assert evaluate_condition(parse_condition(condition), context).holds is holds


def test_a_cancel_leaves_only_always_and_canceled() -> None:
    context = RunContext(dependencies={"A": state(Result.SUCCEEDED)}, canceled=True)
    held = [text for text in ("succeeded()", "failed()", "succeededOrFailed()", "always()", "canceled()")
            if evaluate_condition(parse_condition(text), context).holds]  # fmt: skip
    assert held == ["always()", "canceled()"]


@pytest.mark.parametrize(
    ("status", "holds"),
    [
        (Result.SUCCEEDED, ["succeeded()", "succeededOrFailed()"]),
        (Result.SUCCEEDED_WITH_ISSUES, ["succeeded()", "succeededOrFailed()"]),
        (Result.FAILED, ["failed()", "succeededOrFailed()"]),
    ],
)
def test_status_of_the_job_so_far(status: Result, holds: list[str]) -> None:
    texts = ("succeeded()", "failed()", "succeededOrFailed()", "canceled()")
    found = [
        text for text in texts if evaluate_step_condition(parse_condition(text, step=True), RunContext(), status).holds
    ]
    assert found == holds


def test_outputs_are_found_in_any_case() -> None:
    context = RunContext(
        variables={"Go": "yes"},
        dependencies={"Build": state(Result.SUCCEEDED, step_Digest="sha")},
        stage_dependencies={"Train": {"Fit": state(Result.SUCCEEDED, s_v="0.9")}},
    )
    text = "and(eq(dependencies.build.outputs['STEP.digest'], 'SHA'), eq(variables.GO, 'yes'))"
    verdict = evaluate_condition(parse_condition(text), context)
    assert verdict.holds
    assert verdict.expanded == "and(eq('sha', 'SHA'), eq('yes', 'yes'))"
    stage = evaluate_condition(parse_condition("gt(stageDependencies.Train.Fit.outputs['s.v'], '0.5')"), context)
    assert stage.holds


def test_a_condition_that_raises_says_so() -> None:
    verdict = evaluate_condition(parse_condition("lt(1, 'x')"), RunContext())
    assert not verdict.holds
    assert verdict.error.startswith("Unable to convert")
    assert verdict.lines()[-1].startswith("Error: Unable")


def test_a_step_condition_with_unknown_names_raises_at_its_turn() -> None:
    condition = parse_condition("eq(dependencies.A.result, 'x')", step=True)
    assert evaluate_step_condition(condition, RunContext(), Result.SUCCEEDED).error.startswith("Unrecognized value")


def test_whether_a_condition_asks_for_status() -> None:
    assert parse_condition("and(always(), true)").asks_for_status
    assert not parse_condition("eq(variables.a, 'b')").asks_for_status


def test_runtime_expressions() -> None:
    def counter(prefix: str, seed: int) -> int:
        return {"main": seed + 3}[prefix]

    context = RunContext(variables={"branch": "main"}, start_time=datetime(2026, 11, 24, tzinfo=UTC))
    texts = {
        "$[ counter(variables['branch'], 100) ]": "103",
        "$[ format('{0:yyyyMMdd}', pipeline.startTime) ]": "20261124",
        "$[ eq(1, 1) ]": "True",
        "$[ variables.nope ]": "",
    }
    for text, expected in texts.items():
        assert is_runtime(text)
        assert evaluate_runtime_text(parse_runtime(text, root=True), context, counter) == expected
    assert not is_runtime("before $[ variables.a ]")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$(a) and $(A)", "1 and 1"),
        ("$(nope)", "$(nope)"),
        ("$(az show $(a) x)", "$(az show 1 x)"),
        ("$(a", "$(a"),
        ("$$(a)", "$1"),
        ("$(b)", "$(a)"),
        ("$( a )", "$( a )"),
        ("$(my.name)", "dotted"),
    ],
)
def test_macros(text: str, expected: str) -> None:
    assert expand_macros(text, {"a": "1", "b": "$(a)", "my.name": "dotted"}) == expected


def test_variables_expand_deep_and_leave_cycles() -> None:
    found = expand_variables({"a": "x$(b)$(nope)", "b": "y$(c)", "c": "z", "loop": "$(pool)", "pool": "$(loop)"})
    assert found["a"] == "xyz$(nope)"
    assert "$(" in found["loop"]
