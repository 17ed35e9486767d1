"""Values replaced in a YAML text: they are read back, and no other byte has changed."""

import difflib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from linreg.errors import UserError
from linreg.params.edit import set_values, with_values

TEXT = (Path(__file__).parents[2] / "params.yaml").read_text()
KEYS = {
    "ingest.source": st.text(
        st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1
    ),
    "ingest.names": st.none()
    | st.lists(st.text(st.characters(codec="ascii", exclude_categories=["Cc"]))),
    "model.formula": st.sampled_from(
        ["y ~ x", "`a b` ~ .", "y ~ `#1` + `a: b`", "null", "1", "y ~ x # no comment"]
    ),
    "train.scale": st.sampled_from(["none", "standardize", "whiten"]),
    "train.lr": st.floats(1e-9, 1.0),
    "evaluate.gates": st.just({}) | st.just({"test_r2": {"min": 0}}),
    "model.weights": st.none() | st.just("w"),
    "model.levels": st.dictionaries(
        st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1),
        st.lists(
            st.text(st.characters(codec="ascii", exclude_categories=["Cc"]))
            | st.integers(-99, 99)
            | st.sampled_from(["no", "Yes", "on", "true", "null", "1", "a, b", "{a}", "#1"])
        ),
        max_size=3,
    ),
}


def read(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


@pytest.mark.very_slow
@settings(max_examples=40)
@given(st.fixed_dictionaries({}, optional=KEYS))
def test_what_is_set_is_read_back_and_nothing_else_changes(values: dict[str, object]) -> None:
    changed = with_values(TEXT, values)
    expected = read(TEXT)
    for name, value in values.items():
        section, key = name.split(".")
        expected[section][key] = value
    assert read(changed) == expected
    lines = {name.split(".")[1] for name in values} | {"test_r2"}
    for line in difflib.ndiff(TEXT.splitlines(), changed.splitlines()):
        if line[0] in "+-":
            assert line[2:].strip().partition(":")[0] in lines
    for comment in [line[line.index("#") :] for line in TEXT.splitlines() if "#" in line]:
        assert any(line.endswith(comment) for line in changed.splitlines())
    assert with_values(changed, values) == changed


def test_a_value_that_is_there_already_keeps_its_writing() -> None:
    text = "model:\n  formula:   'y ~ x'   # mine\ntrain: {lr: 1.0e-2}\n"
    assert with_values(text, {"model.formula": "y ~ x"}) == text


def test_words_that_older_readers_take_for_truth_values_are_quoted() -> None:
    changed = with_values("model: {}\n", {"model.levels": {"y": ["no", "Yes", "north"]}})
    assert changed == 'model: {levels: {"y": ["no", "Yes", north]}}\n'


def test_a_comment_stays_in_its_column_where_the_value_leaves_room() -> None:
    text = "model:\n  formula: y ~ x        # why\n"
    assert (
        with_values(text, {"model.formula": "price ~ x"})
        == "model:\n  formula: price ~ x    # why\n"
    )
    assert (
        with_values(text, {"model.formula": "price ~ a + b + c"})
        == "model:\n  formula: price ~ a + b + c  # why\n"
    )


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_ends_are_kept(end: str) -> None:
    text = end.join(["# first", "model:", "  formula: y ~ x", "", "train:", "  lr: 0.1", ""])
    changed = with_values(
        text, {"model.formula": "z ~ x", "train.scale": "whiten", "ingest.source": "a.csv"}
    )
    assert changed == end.join(
        [
            "# first",
            "model:",
            "  formula: z ~ x",
            "",
            "train:",
            "  lr: 0.1",
            "  scale: whiten",
            "",
            "ingest:",
            "  source: a.csv",
            "",
        ]
    )


def test_a_key_is_added_to_its_section_and_a_section_to_the_file() -> None:
    text = "train:\n    lr: 0.1  # slow\n\n# the end"
    changed = with_values(text, {"train.scale": "whiten", "model.formula": "y ~ x"})
    train = "train:\n    lr: 0.1  # slow\n    scale: whiten\n"
    assert changed == f"{train}\n# the end\n\nmodel:\n  formula: y ~ x\n"
    assert with_values("model:\n", {"model.formula": "y ~ x"}) == "model:\n  formula: y ~ x\n"


def test_a_block_below_its_key_is_replaced_as_a_whole() -> None:
    block = "    test_r2:\n      min: 0.9\n    gap: {max: 1}  # odd\n"
    text = f"evaluate:\n  gates:  # bounds\n{block}  # next\n  confidence: 0.9\n"
    expected = "evaluate:\n  gates: {}  # bounds\n  # next\n  confidence: 0.9\n"
    assert with_values(text, {"evaluate.gates": {}}) == expected


def test_a_section_in_braces_is_changed_within_them() -> None:
    text = "model: {formula: y ~ x, weights: w}  # why\nsplit: {}\n"
    values = {
        "model.formula": "y ~ a, b",
        "model.weights": None,
        "split.seed": 2,
        "split.by": "row",
    }
    expected = 'model: {formula: "y ~ a, b", weights: null}  # why\nsplit: {seed: 2, by: row}\n'
    assert with_values(text, values) == expected


@pytest.mark.parametrize(
    "text",
    [
        "generate: {bias: &n 3, noise: *n}\n",
        "train: &a\n  seed: 1\nsplit: *a\n",
        "{model: {formula: y ~ x}}\n",
    ],
    ids=["alias of a value", "alias of a section", "all in braces"],
)
def test_a_layout_in_which_a_change_would_do_something_else_is_refused(text: str) -> None:
    values = {"generate.noise": 4, "split.seed": 2}
    with pytest.raises(UserError, match=r"^params.yaml: \S+: cannot be changed by a program in"):
        with_values(text, values)


@pytest.mark.parametrize("text", ["[1]", "model", "model: 1"])
def test_what_is_not_a_mapping_of_sections_is_refused(text: str) -> None:
    with pytest.raises(UserError, match=r"^params.yaml: (must hold sections|model: must be a sec)"):
        with_values(text, {"model.formula": "y ~ x"})


def test_a_file_is_written_only_when_something_changes(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes(b"model:\r\n  formula: y ~ x\r\n")
    path.chmod(0o640)
    before = path.stat()
    assert not set_values(path, {"model.formula": "y ~ x"})
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert set_values(path, {"model.formula": "y ~ z"})
    assert path.read_bytes() == b"model:\r\n  formula: y ~ z\r\n"
    assert path.stat().st_mode == before.st_mode


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "train:\n  standardize: true   # why\n  lr: 1\n",
            "train:\n  scale: whiten  # why\n  lr: 1\n",
        ),
        ("train: {standardize: false, lr: 1}\n", "train: {scale: whiten, lr: 1}\n"),
        ("train: {lr: 1}\n", "train: {lr: 1, scale: whiten}\n"),
    ],
)
def test_a_key_of_an_earlier_version_is_replaced_by_its_new_name(text: str, expected: str) -> None:
    assert with_values(text, {"train.scale": "whiten"}) == expected
    assert "standardize" in with_values(text, {"train.lr": 2}) or "scale" not in text
