"""A section of params.yaml may belong to a stage of the user's own, if dvc.yaml names it."""

from pathlib import Path

import pytest

from linreg.errors import UserError
from linreg.params.file import field_type, load_params, parse_params
from linreg.params.params import flatten

OWN = "train: {lr: 0.1}\nclean: {limit: 3, words: [a, b], by: {age: 1}}\n"
STAGES = {
    "a section": "  clean: {cmd: a, params: [clean]}",
    "a key": "  clean: {cmd: a, params: [train.lr, clean.limit]}",
    "in params.yaml": "  clean: {cmd: a, params: [{params.yaml: [clean.limit]}]}",
    "in the command": "  clean: {cmd: 'python clean.py ${clean.limit}'}",
    "in a list": "  clean: {cmd: a, deps: ['${clean.words[0]}']}",
    "of foreach": "  clean: {foreach: [1], do: {cmd: a, params: [clean]}}",
    "of matrix": "  clean: {matrix: {x: [1]}, cmd: a, params: [clean]}",
}


def project(folder: Path, stage: str, params: str = OWN) -> Path:
    (folder / "dvc.yaml").write_text(f"stages:\n{stage}\n")
    (folder / "params.yaml").write_text(params)
    return folder / "params.yaml"


@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
def test_a_section_that_a_stage_names_is_its_own(stage: str, tmp_path: Path) -> None:
    params = load_params(project(tmp_path, stage))
    assert params.train.lr == 0.1
    own = {"clean.limit": 3, "clean.words": ["a", "b"], "clean.by": {"age": 1}}
    assert flatten(params, own=True) == flatten(params) | own
    assert not own.keys() & flatten(params).keys()


@pytest.mark.parametrize(
    "stage",
    [
        "  clean: {cmd: a, deps: [clean]}",
        "  clean: {cmd: a, params: [cleaned]}",
        "  clean: {cmd: a, params: [{other.yaml: [clean]}]}",
        "  clean: {cmd: a, params: [other.yaml:]}",
    ],
)
def test_another_section_is_one_line(stage: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"params.yaml: clean: is not a parameter; known: generate"):
        load_params(project(tmp_path, stage))


@pytest.mark.parametrize("value", ["3", "[1]", "a"])
def test_what_is_no_section_is_one_line(value: str, tmp_path: Path) -> None:
    path = project(tmp_path, STAGES["a section"], f"clean: {value}\n")
    with pytest.raises(UserError, match=r"params.yaml: clean: must be a section; found"):
        load_params(path)


def test_an_empty_section_has_no_parameter(tmp_path: Path) -> None:
    params = load_params(project(tmp_path, STAGES["a section"], "clean:\n"))
    assert flatten(params, own=True) == flatten(params)


def test_a_misspelt_section_of_ours_is_one_line(tmp_path: Path) -> None:
    path = project(tmp_path, STAGES["a section"], "trian: {lr: 0.1}\nclean: {limit: 3}\n")
    with pytest.raises(UserError, match=r"params.yaml: trian: is .*; did you mean train\?"):
        load_params(path)
    path.unlink()
    (tmp_path / "dvc.yaml").unlink()
    path.write_text("trian: {lr: 0.1}\n")
    with pytest.raises(UserError, match=r"did you mean train\?"):
        load_params(path)


def test_the_parameters_of_another_commit_have_their_own_dvc_yaml() -> None:
    params = parse_params(OWN, Path("experiment a: params.yaml"))
    assert flatten(params, own=True)["clean.limit"] == 3


def test_a_parameter_of_ones_own_has_no_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project(tmp_path, STAGES["a section"])
    monkeypatch.chdir(tmp_path)
    assert field_type("clean.limit") is None
    assert flatten(load_params(changes={"clean.limit": 5}), own=True)["clean.limit"] == 5
    with pytest.raises(UserError, match="is not a parameter"):
        field_type("cleaned.limit")
