import pytest

from linreg import plain_yaml
from linreg.errors import UserError
from linreg.plain_yaml import read_yaml

TOO_MANY = "expands to more than 100000 values by its aliases; write the values themselves"


def billion_laughs(before: str, after: str, between: str = ", ") -> str:
    """Return thirty lines, each of which contains the line before it twice."""
    lines = [f"a{i}: &a{i} {before}*a{i - 1}{between}*a{i - 1}{after}" for i in range(1, 30)]
    return "a0: &a0 {k: 1}\n" + "\n".join(lines)


@pytest.mark.parametrize(
    "text",
    [
        billion_laughs("[", "]"),
        billion_laughs("{a: ", "}", ", b: "),
        billion_laughs("{<<: [", "], a: 1}"),
        "&a [*a]",
        "a: &a {b: *a}",
    ],
    ids=["lists", "mappings", "merged mappings", "a list in itself", "a mapping in itself"],
)
def test_a_text_that_expands_to_too_many_values_is_refused(text: str) -> None:
    with pytest.raises(UserError, match=f"^file: {TOO_MANY}$"):
        read_yaml(text, "file")


def test_the_limit_counts_what_aliases_add(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain_yaml, "MOST_BY_ALIASES", 50)
    assert len(read_yaml(f"[{', '.join(['1'] * 100)}]", "file")) == 100
    # A list, its anchor and aliases: 50 values, and one more.
    assert len(read_yaml(f"[&n 1, {', '.join(['*n'] * 48)}]", "file")) == 49
    with pytest.raises(UserError, match="expands to more than 50 values"):
        read_yaml(f"[&n 1, {', '.join(['*n'] * 49)}]", "file")


def test_an_anchor_may_be_defined_twice_without_a_warning() -> None:
    assert read_yaml("[&n 3, &n 4, *n]", "file") == [3, 4, 4]


def test_an_empty_text_is_none() -> None:
    assert read_yaml("# a comment\n", "file") is None


def test_a_character_that_yaml_forbids_is_named_with_its_line() -> None:
    with pytest.raises(UserError, match=r"^file: line 2: is not valid YAML; found the character "):
        read_yaml("a: 1\nb\0: 2", "file")
