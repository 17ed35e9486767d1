"""Text is broken into lines that fit, and none of it is lost without an ellipsis."""

from hypothesis import given
from hypothesis import strategies as st

from linreg.plotting.labels import shortened, text_width, wrapped

words = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1)
texts = st.lists(words, max_size=12).map(" ".join)


@given(texts, st.integers(40, 300), st.integers(1, 5))
def test_lines_are_no_wider_than_asked_and_no_more(text: str, width: int, most: int) -> None:
    lines = wrapped(text, width, most)
    assert 1 <= len(lines) <= most
    assert all(text_width(line) <= width for line in lines)


@given(texts, st.integers(40, 300))
def test_nothing_is_lost_where_there_are_lines_enough(text: str, width: int) -> None:
    lines = wrapped(text, width, 1000)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_a_line_ends_at_a_space_or_behind_a_sign() -> None:
    assert wrapped("the quick brown fox", 70, 9) == ["the quick", "brown fox"]
    assert wrapped("the_quick_brown_fox", 80, 9) == ["the_quick_", "brown_fox"]
    assert wrapped("thequickbrownfoxjumps", 80, 9) == ["thequickbrow", "nfoxjumps"]


def test_an_ellipsis_says_that_there_is_more() -> None:
    assert shortened("short", 100) == "short"
    assert shortened("a name that is too long for it", 100).endswith("…")
