"""Which blocks a page has, and how they run: read from text, wrong attributes refused with their line."""

import pytest

from pages.errors import PageError
from pages.fences import Attributes, Block, read_blocks

PAGE = """# Title

```bash
echo one
```

=== "Sandbox"

    Text.

    <!-- run: timeout=300 -->
    ```bash
    cat <<END
      deep
    END
    ```

=== "Azure"

    <!-- run: lane=azure -->

    ```bash
    az login
    ```

After the tabs.

<!-- hook
export HIDDEN=1
-->

<!-- run: expect-error="nothing is there" -->
```bash
false
```

```python
print("never run")
```

````markdown
```bash
shown only
```
````
"""


def test_every_form_of_a_block() -> None:
    first, timed, azure, hook, failing, python, shown = read_blocks("x.md", PAGE)
    assert first == Block("x.md", 4, "bash", "echo one\n")
    assert (timed.tab, timed.text, timed.attributes.timeout) == ("Sandbox", "cat <<END\n  deep\nEND\n", 300)
    assert (azure.tab, azure.attributes, azure.runs) == ("Azure", Attributes(lane="azure"), False)
    assert (hook.hidden, hook.runs, hook.text, hook.tab) == (True, True, "export HIDDEN=1\n", "")
    assert (failing.attributes.expect_error, failing.runs) == ("nothing is there", True)
    assert (python.language, python.runs) == ("python", False)
    assert (shown.language, shown.runs) == ("markdown", False)


def test_hooks_stand_around_their_block() -> None:
    text = '<!-- run: before="touch x" after="rm x" timeout=9 -->\n```bash\ncat x\n```\n'
    blocks = read_blocks("x.md", text)
    assert [(one.text, one.hidden, one.attributes.timeout) for one in blocks] == [
        ("touch x\n", True, 9),
        ("cat x\n", False, 9),
        ("rm x\n", True, 9),
    ]


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ("\n<!-- run: skip -->\n```bash\nx\n```\n", 2, "skip has no value"),
        ('<!-- run: skp="x" -->\n```bash\nx\n```\n', 1, "no attribute skp"),
        ("<!-- run: timeout=soon -->\n```bash\nx\n```\n", 1, "a number of seconds"),
        ("<!-- run: lane=moon -->\n```bash\nx\n```\n", 1, "one of sandbox, azure"),
        ('<!-- run: skip="x" -->\nText between.\n', 1, "before no fence"),
        ('<!-- run: skip="x" -->\n```python\nx\n```\n', 1, "a fence that is not bash"),
        ("Text.\n```bash\nx\n", 2, "no ``` ends"),
        ("<!-- hook\nx\n", 1, "no --> ends"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(text: str, line: int, part: str) -> None:
    with pytest.raises(PageError) as caught:
        read_blocks("x.md", text)
    assert caught.value.problem.line == line
    assert part in caught.value.problem.message
