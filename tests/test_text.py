from linreg.text import table


def test_columns_are_as_wide_as_their_longest_cell_and_aligned_by_their_sign() -> None:
    rows = [("", "mean", "said"), ("theta.x1", "2", "yes"), ("b", "-3.25", "no")]
    assert table(rows, "<>") == [
        "           mean  said",
        "theta.x1      2   yes",
        "b         -3.25    no",
    ]


def test_columns_beyond_the_last_sign_are_aligned_like_it() -> None:
    assert table([("a", "bb", "ccc"), ("aa", "b", "c")]) == ["a   bb  ccc", "aa  b   c"]


def test_a_row_may_be_short_and_no_line_ends_in_spaces() -> None:
    assert table([("name", "rows", ""), ("train",), ("test", "1", "")]) == [
        "name   rows",
        "train",
        "test   1",
    ]


def test_no_rows_make_no_lines() -> None:
    assert table([]) == []
