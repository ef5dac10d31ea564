"""`${{inputs.x}}` and `$[[...]]` in a command."""

import shlex

import pytest

from sandbox.compute.errors import TrainingError
from sandbox.compute.placeholders import Values, expand, inside_quotes

VALUES = Values({"inputs.rate": "0.1"}, {"inputs.data": "/a b/d.csv", "outputs.model": "/w/model"})


@pytest.mark.parametrize(
    ("command", "expanded"),
    [
        ("train ${{inputs.rate}}", "train 0.1"),
        ("train ${{ inputs.rate }}/x ${{outputs.model}}", "train 0.1/x /w/model"),
        ("train $[[--rate ${{inputs.rate}}]] end", "train --rate 0.1 end"),
        ("train $[[--seed ${{inputs.seed}}]] end", "train  end"),
        ("train $[[--seed ${{inputs.seed}} --rate ${{inputs.rate}}]] end", "train  end"),
        ("echo $HOME ${PATH} $(date)", "echo $HOME ${PATH} $(date)"),
    ],
)
def test_placeholders_are_replaced(command: str, expanded: str) -> None:
    assert expand(command, VALUES) == expanded


@pytest.mark.parametrize("quote", ["", "'", '"'])
def test_a_path_with_a_space_stays_one_word(quote: str) -> None:
    assert shlex.split(expand(f"cat {quote}${{{{inputs.data}}}}{quote} end", VALUES)) == ["cat", "/a b/d.csv", "end"]


def test_a_placeholder_without_a_value_is_an_error_that_names_the_others() -> None:
    with pytest.raises(TrainingError, match=r"\$\{\{inputs\.dat\}\}.*inputs\.data, inputs\.rate, outputs\.model"):
        expand("cat ${{inputs.dat}}", VALUES)
    with pytest.raises(TrainingError, match="search_space"):
        expand("train ${{search_space.alpha}}", Values())


@pytest.mark.parametrize(
    ("before", "inside"),
    [("a ", False), ("a 'b", True), ("a 'b' ", False), ('a "b\\"', True), ("a \\'", False), ("a '\\", True)],
)
def test_quotes_are_followed(before: str, inside: bool) -> None:
    assert inside_quotes(before) is inside
