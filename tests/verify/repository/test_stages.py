"""What stages read and write, by their paths."""

import pytest

from linreg.verify.repository.stages import (
    MD5,
    Entry,
    Input,
    Output,
    ParameterFile,
    Pipeline,
    RecordedHash,
    Stage,
)

HASH = RecordedHash(MD5, "0" * 32)


def stage(name: str, reads: list[str], writes: list[str], **options: bool) -> Stage:
    return Stage(
        name=name,
        file="dvc.yaml",
        wdir=".",
        commands=("true",),
        inputs=tuple(Input(path, HASH) for path in reads),
        outputs=tuple(Output(path, HASH) for path in writes),
        **options,  # type: ignore[arg-type]
    )


PIPELINE = Pipeline(
    (
        stage("raw", [], ["data/raw"], frozen=True),
        stage("prepare@a", ["data/raw/a.csv", "prepare.py"], ["data/a"]),
        stage("prepare@b", ["data/raw/b.csv", "prepare.py"], ["data/b"]),
        stage("join", ["data", "join.py"], ["joined"]),
        stage("plot", ["joined/part.csv"], ["plot.png"]),
    ),
    tracked=(Output("data/extra.csv", HASH), Output("unused.csv", HASH)),
)


def inputs(*names: str) -> list[str]:
    stages = PIPELINE.chosen(names) if names else list(PIPELINE)
    return [each.path for each in PIPELINE.inputs_of(stages)]


def test_inputs_are_what_no_stage_that_runs_writes_each_once() -> None:
    """A folder in which stages write is also an input, of which git may hold the rest."""
    expected = ["data/extra.csv", "data/raw", "prepare.py", "data", "join.py"]
    assert inputs() == expected


def test_a_stage_alone_reads_what_others_have_written() -> None:
    assert inputs("plot") == ["joined"]
    assert inputs("prepare@a") == ["data/raw", "prepare.py"]
    assert inputs("join", "plot") == [
        "data/extra.csv",
        "data/raw",
        "data/a",
        "data/b",
        "data",
        "join.py",
    ]


def test_a_stage_that_is_not_run_needs_no_inputs() -> None:
    assert inputs("raw") == []


def test_stages_are_chosen_by_name_or_by_that_of_their_group_in_their_order() -> None:
    assert [each.name for each in PIPELINE.chosen(["plot", "prepare"])] == [
        "prepare@a",
        "prepare@b",
        "plot",
    ]
    assert [each.name for each in PIPELINE.chosen(["prepare@b"])] == ["prepare@b"]
    with pytest.raises(KeyError, match="no such"):
        PIPELINE.chosen(["plot", "no such"])


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("train", "train"),
        ("train@a", "train"),
        ("sub/dvc.yaml:train@x@y", "sub/dvc.yaml:train"),
        ("a@b/dvc.yaml:train", "a@b/dvc.yaml:train"),
    ],
)
def test_the_group_is_the_name_in_dvc_yaml(name: str, group: str) -> None:
    assert stage(name, [], []).group == group


def test_parameters_of_a_file_that_a_stage_writes_are_no_inputs() -> None:
    reads = Stage(
        "fit", "dvc.yaml", ".", ("true",), parameters=(ParameterFile("settings.yaml", None),)
    )
    writes = stage("settings", [], ["settings.yaml"])
    pipeline = Pipeline((writes, reads))
    assert pipeline.inputs_of([writes, reads]) == []
    assert [each.path for each in pipeline.inputs_of([reads])] == ["settings.yaml"]


@pytest.mark.parametrize(
    ("options", "is_input"),
    [
        ({}, False),
        ({"frozen": True}, True),
        # DVC runs it every time: its outputs are to be the same, too.
        ({"always_changed": True}, False),
    ],
)
def test_what_is_not_run(options: dict[str, bool], is_input: bool) -> None:
    assert stage("x", [], ["a"], **options).is_input is is_input


def test_what_updates_what_it_keeps_is_not_run() -> None:
    kept, other = Output("a", HASH, persist=True), Output("b", HASH)
    fetch = Stage("x", "dvc.yaml", ".", ("true",), outputs=(kept,), always_changed=True)
    assert fetch.is_input
    both = Stage("x", "dvc.yaml", ".", ("true",), outputs=(kept, other), always_changed=True)
    assert not both.is_input
    assert not Stage("x", "dvc.yaml", ".", ("true",), always_changed=True).is_input


@pytest.mark.parametrize(
    ("path", "is_external"),
    [("a/b", False), ("../a", False), ("/data/a", True), ("s3://bucket/a", True)],
)
def test_what_lies_outside_of_the_repository(path: str, is_external: bool) -> None:
    assert Entry(path, None).is_external is is_external


def test_parts_of_names_are_no_folders() -> None:
    assert not Entry("data/raw2", None).overlaps(Entry("data/raw", None))
    assert Entry("data/raw", None).overlaps(Entry("data", None))
    assert Entry("data", None).overlaps(Entry("data/raw", None))
    assert not Entry("data", None).lies_in(Entry("data/raw", None))
