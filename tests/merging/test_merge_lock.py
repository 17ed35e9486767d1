"""The merge of two locks against the lock that a run of the merged project would write."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linreg.merging.lock_entries import lock_text, read_entries
from linreg.merging.merge_lock import MergedLock, Versions, merge_locks
from linreg.merging.workspace import Workspace
from tests.merging.toy_pipeline import CODE, STAGES, State, lock_of

BASE = State()
NAMES = [each.name for each in STAGES]
CHANGES = [name.replace(".", "_", 1) for name in BASE.parameters]
CHANGES += [f"{kind}_{name}" for kind in ("code", "comment") for name in CODE]
changes = st.dictionaries(st.sampled_from(CHANGES), st.integers(1, 2), max_size=3)
NOWHERE = Workspace(Path("/"), is_merged=False)
# Also commits without a run of all stages: the others are as in the ancestor.
num_run = st.sampled_from([*range(len(NAMES)), *[len(NAMES)] * 5])


def texts_of(state: State, num_stages: int = len(NAMES)) -> dict[str, str]:
    """Return the entries after the first stages have run on a base that was complete."""
    return BASE.entries() | {name: state.entries()[name] for name in NAMES[:num_stages]}


def merge(base: str, ours: str, theirs: str) -> MergedLock:
    versions = Versions(*(read_entries(text, "lock") for text in (base, ours, theirs)))
    return merge_locks(versions, NOWHERE)


def merged_of(ours: State, theirs: State) -> MergedLock:
    return merge(*(lock_of(each.entries()) for each in (BASE, ours, theirs)))


@settings(max_examples=40)
@given(changes, changes)
def test_what_is_kept_is_what_a_run_would_write_and_what_is_not_must_run(
    ours: dict[str, int], theirs: dict[str, int]
) -> None:
    sides = BASE.changed(**ours), BASE.changed(**theirs)
    merged = merged_of(*sides)
    contested = {key for key in ours.keys() & theirs.keys() if ours[key] != theirs[key]}
    truth = BASE.merged(*sides).entries()
    known = [each.entries() for each in (BASE, *sides)]
    unlike = False
    for name in NAMES:
        text = merged.entries[name].text if name in merged.entries else None
        assert (text is None) == (name in merged.left_out)
        assert text is None or text in [entries[name] for entries in known]
        if not contested and not unlike:
            # Behind a stage that must run, an output may turn out to be another one.
            assert text == (truth[name] if truth[name] in [e[name] for e in known] else None)
            unlike = text is None
        elif not contested and text is not None:
            assert text == truth[name]


@settings(max_examples=40)
@given(changes, changes, num_run, num_run)
def test_no_entry_contradicts_another_whatever_was_run(
    ours: dict[str, int], theirs: dict[str, int], num_ours: int, num_theirs: int
) -> None:
    versions = [
        BASE.entries(),
        texts_of(BASE.changed(**ours), num_ours),
        texts_of(BASE.changed(**theirs), num_theirs),
    ]
    merged = merge(*map(lock_of, versions))
    outputs = {
        path: md5 for entry in merged.entries.values() for path, md5 in entry.outputs.items()
    }
    for name, entry in merged.entries.items():
        assert entry.text in [each[name] for each in versions]
        for path, md5 in entry.inputs.items():
            assert outputs.get(path, md5) == md5
    assert sorted([*merged.entries, *merged.left_out]) == sorted(NAMES)


@settings(max_examples=20)
@given(changes, changes)
def test_the_sides_are_equal_but_for_the_order(
    ours: dict[str, int], theirs: dict[str, int]
) -> None:
    sides = BASE.changed(**ours), BASE.changed(**theirs)
    merged, turned = merged_of(*sides), merged_of(*reversed(sides))
    assert merged.entries == turned.entries
    assert list(merged.left_out) == list(turned.left_out)


@settings(max_examples=10)
@given(changes)
def test_what_one_side_has_changed_or_both_alike_is_taken_byte_for_byte(
    own: dict[str, int],
) -> None:
    state = BASE.changed(**own)
    expected = lock_of(state.entries())
    for sides in ((state, BASE), (BASE, state), (state, state)):
        merged = merged_of(*sides)
        assert lock_text(merged.entries) == expected
        assert merged.left_out == {}


def test_two_branches_that_changed_different_stages() -> None:
    merged = merged_of(BASE.changed(train_lr=1), BASE.changed(evaluate_confidence=1))
    assert merged.entries["train"].text == BASE.changed(train_lr=1).entries()["train"]
    assert merged.left_out == {
        "evaluate": "it was not run with evaluate.confidence, models/model, models/training, "
        "train.lr as merged"
    }


def test_two_parameters_of_one_stage() -> None:
    merged = merged_of(BASE.changed(train_lr=1), BASE.changed(train_epochs=1))
    assert list(merged.left_out) == ["train", "evaluate"]
    assert merged.left_out["train"] == "it was not run with train.epochs, train.lr as merged"


def test_behind_a_stage_with_equal_outputs_on_both_sides_what_was_run_is_kept() -> None:
    """A comment in the code of a long training's first stage does not cost the training."""
    merged = merged_of(BASE.changed(comment_ingest=1), BASE.changed(ingest_sheet=1, train_lr=1))
    assert list(merged.left_out) == ["ingest"]
    assert merged.behind == ["split", "train", "evaluate"]
    assert merged.entries["train"].text == BASE.changed(train_lr=1).entries()["train"]


def test_a_stage_that_one_side_has_added_and_one_that_the_other_has_removed() -> None:
    own = "  own:\n    cmd: own\n    outs:\n    - path: own.csv\n      md5: ab\n"
    base = BASE.entries() | {"old": own.replace("own", "old")}
    merged = merge(lock_of(base), lock_of(base | {"own": own}), lock_of(BASE.entries()))
    assert list(merged.entries) == [*NAMES, "own"]
    # No dvc.yaml tells whether there still is such a stage.
    assert merged.left_out == {"old": "one side has no record of it"}


def test_a_file_that_a_stage_wrote_once_and_people_write_now() -> None:
    own = "  own:\n    cmd: own\n    deps:\n    - path: a.csv\n      md5: {}\n"
    base = "  old:\n    cmd: old\n    outs:\n    - path: a.csv\n      md5: aa\n"
    before = {"old": base, "own": own.format("aa")}
    merged = merge(lock_of(before), *(lock_of({"own": own.format(md5)}) for md5 in ("bb", "bb")))
    assert (list(merged.entries), merged.left_out) == (["own"], {})


def test_an_output_without_a_hash_of_its_own_is_compared_as_a_whole() -> None:
    own = "  own:\n    cmd: own\n    outs:\n    - path: own\n      files: [{}]\n"
    versions = (lock_of({"own": own.format(each)}) for each in ("a", "a", "b"))
    assert merge(*versions).entries["own"].text == own.format("b")


def test_different_outputs_of_equal_inputs_are_named_and_ours_kept() -> None:
    run = "  own:\n    cmd: own\n    outs:\n    - path: own.csv\n      md5: {}\n"
    merged = merge("", *(lock_of({"own": run.format(md5)}) for md5 in ("aa", "bb")))
    assert (merged.unequal, merged.left_out) == (["own"], {})
    assert merged.entries["own"].outputs == {"own.csv": "aa"}


@pytest.mark.parametrize("empty", ["", "schema: '2.0'\n", "schema: '2.0'\nstages: {}\n"])
def test_a_lock_without_entries(empty: str) -> None:
    whole = lock_of(BASE.entries())
    assert lock_text(merge(empty, whole, empty).entries) == whole
    assert lock_text(merge(empty, empty, empty).entries) == "schema: '2.0'\n"


def test_stages_that_depend_on_each_other_across_the_versions_end() -> None:
    one = (
        "  {0}:\n    cmd: c\n    deps:\n    - path: {1}\n      md5: aa\n"
        "    outs:\n    - path: {0}\n      md5: aa\n"
    )
    ours, theirs = {"a": one.format("a", "b")}, {"b": one.format("b", "a")}
    merged = merge("", lock_of(ours), lock_of(theirs))
    assert {*merged.entries, *merged.left_out} == {"a", "b"}
