"""What `linreg verify` says where something is missing, fails or has changed."""

from pathlib import Path

import pytest

from tests.project import Project
from tests.verify.repository.small_repository import SmallRepository

pytestmark = pytest.mark.slow
CHAIN = """
    stages:
      first:
        cmd: cat in.txt in.txt > a.txt
        deps: [in.txt]
        outs: [a.txt]
      second:
        cmd: cat a.txt > b.txt; echo x >> b.txt
        deps: [a.txt]
        params: [n]
        outs: [b.txt]
      third:
        cmd: wc -c < b.txt > c.txt
        deps: [b.txt]
        outs: [c.txt]
      apart:
        cmd: echo apart > d.txt
        outs: [d.txt]
    """


@pytest.fixture
def chain(tmp_path: Path) -> SmallRepository:
    repository = SmallRepository(tmp_path / "repository")
    repository.write({"in.txt": "1\n", "params.yaml": "n: 1\n", "dvc.yaml": CHAIN})
    repository.reproduce()
    return repository


def error(repository: SmallRepository, *options: str) -> str:
    """Return the one line on stderr; the exit code is 2."""
    done = repository.project.run("linreg", "verify", *options, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    return done.stderr.removeprefix("error: ").strip()


def edit(repository: SmallRepository, old: str, new: str, name: str = "dvc.yaml") -> None:
    path = repository.root / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def test_a_stage_that_fails_is_named_with_its_last_lines_and_those_behind_it_are_not_run(
    chain: SmallRepository,
) -> None:
    edit(chain, "echo x >> b.txt", "echo gone wrong; no-such-program")
    chain.commit()
    done = chain.project.run("linreg", "verify", check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error: stage second: `cat a.txt > b.txt; echo gone wrong; no-")
    assert "ended with exit code 127: gone wrong | " in done.stderr
    rows = {line.split()[0]: line for line in done.stdout.splitlines() if line}
    assert rows["first"].endswith("  same")
    assert rows["apart"].endswith("  same")
    assert rows["second"].endswith("  COULD NOT RUN")
    assert rows["third"].endswith("  NOT RUN")
    assert "third: not run: because stage second could not be run" in done.stdout
    assert "second: changed since dvc.lock was written: its command" in done.stdout


def test_an_input_that_is_nowhere_is_named_for_each_stage_that_reads_it(
    chain: SmallRepository,
) -> None:
    chain.run("git", "rm", "-q", "--cached", "in.txt")
    chain.run("git", "commit", "-qm", "an input that git no longer holds")
    assert "in.txt: not in git, copied from the working directory" in chain.verify()
    chain.write({"in.txt": "2\n"})
    words = "stage first: in.txt: is an input with MD5 b026324c6904b2a9cb4b88d6d61c81d1"
    found = error(chain)
    assert found.startswith(f"{words} that git does not hold; what is here has changed since; ")
    assert found.endswith("DVC has no default remote")
    chain.forget("in.txt")
    assert error(chain).startswith(f"{words} that git does not hold; DVC has no default remote")
    # Those behind it can still be verified, on what was recorded.
    assert chain.verdicts("--stage", "second").keys() == {"second"}


def test_what_differs_is_passed_on_and_the_stages_behind_say_so(chain: SmallRepository) -> None:
    chain.write({"in.txt": "2\n"})
    chain.commit()
    out = chain.verify(code=1)
    assert "first: changed since dvc.lock was written: in.txt; run `dvc repro` and commit" in out
    assert "second: ran on a.txt as first wrote it, not as in dvc.lock" in out
    # Of as many bytes.
    assert "third: ran on b.txt as second wrote it, not as in dvc.lock" in out
    verdicts = {name: each["verdict"] for name, each in chain.verdicts(code=1).items()}
    assert verdicts == {
        "first": "different",
        "second": "different",
        "third": "identical",
        "apart": "identical",
    }
    # Alone, the second has its recorded input.
    assert chain.verdicts("--stage", "second", "--stage", "third").keys() == {"second", "third"}


def test_parameters_that_have_changed_are_named(chain: SmallRepository) -> None:
    chain.write({"params.yaml": "n: 2\n"})
    chain.commit()
    assert "second: changed since dvc.lock was written: params.yaml:n; run" in chain.verify()
    assert chain.verdicts()["second"]["changed_parameters"] == ["params.yaml:n"]


def test_another_commit_is_verified_by_its_name(chain: SmallRepository) -> None:
    chain.run("git", "tag", "v1")
    edit(chain, "echo x", "echo y")
    chain.commit()
    chain.verify(code=1)
    assert "uncommitted" not in chain.verify("v1")
    chain.write({"in.txt": "not committed\n"})
    assert "uncommitted changes are not verified: in.txt" in chain.verify("--stage", "apart")
    assert error(chain, "v2").startswith("git: there is no such commit here; found v2")


def test_a_stage_that_dvc_lock_does_not_have_has_no_verdict(chain: SmallRepository) -> None:
    edit(chain, "apart:", "new:")
    chain.commit()
    found = error(chain)
    assert found.startswith(
        "stage new: is not in dvc.lock, or one of its outputs is not; run `dvc r"
    )
    assert error(chain, "--stage", "old") == (
        "stage old: is not in the commit; found first, new, second, third; name one of these"
    )


def test_a_stage_without_outputs_is_run(chain: SmallRepository) -> None:
    chain.write({"dvc.yaml": "stages: {hello: {cmd: echo hello}}\n"})
    chain.reproduce()
    assert "hello      ran; has no outputs" in chain.verify()
    edit(chain, "echo hello", "exit 4")
    chain.commit()
    assert error(chain) == "stage hello: `exit 4` ended with exit code 4"


def test_an_output_outside_of_the_repository_is_not_written(
    chain: SmallRepository, tmp_path: Path
) -> None:
    outside = tmp_path / "outside.txt"
    chain.write(
        {
            "dvc.yaml": f"""
                stages:
                  away:
                    cmd: echo 1 >> {outside}
                    outs: [{outside}: {{cache: false}}]
                """
        }
    )
    chain.reproduce()
    words = f"stage away: {outside}: is an output outside of the repository"
    assert error(chain) == words
    assert outside.read_text() == "1\n"


def test_an_output_behind_a_link_out_of_the_repository_stays(
    chain: SmallRepository, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (chain.root / "linked").symlink_to(outside)
    edit(chain, "d.txt", "linked/d.txt")
    edit(chain, "d.txt", "linked/d.txt", "dvc.lock")
    (outside / "d.txt").write_text("mine\n")
    chain.commit()
    assert error(chain) == "stage apart: linked/d.txt: is an output outside of the repository"
    assert (outside / "d.txt").read_text() == "mine\n"


def test_where_there_is_nothing_to_verify_one_line_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()
    found = Project(folder).run("linreg", "verify", check=False)
    assert found.returncode == 2
    assert "works in a project of DVC, in a git repository; found neither dvc.yaml nor" in (
        found.stderr
    )
    repository = SmallRepository(tmp_path / "repository")
    repository.write({"dvc.yaml": "stages: {a: {cmd: echo 1 > a.txt, outs: [a.txt]}}\n"})
    repository.commit()
    assert "has no dvc.lock, which records what the stages wrote; run `dvc repro`" in (
        error(repository)
    )
    repository.write({"dvc.yaml": "stages: {a: {cmd: [}}\n"})
    repository.commit()
    assert error(repository).startswith("DVC: cannot read the project; found ")
    repository.write({"dvc.yaml": "stages: {}\n"})
    repository.commit()
    assert "defines no stage here; run this where dvc.yaml is" in error(repository)
    (repository.top / ".git").rename(repository.top / "gone")
    assert "not a git repository" in error(repository)


def test_the_stages_of_a_folder_are_those_in_it_and_below(chain: SmallRepository) -> None:
    chain.write(
        {
            "sub/dvc.yaml": "stages: {last: {cmd: cp ../c.txt e, deps: [../c.txt], outs: [e]}}\n",
            "sub/deeper/notes.txt": "",
        }
    )
    chain.reproduce()
    names = {"first", "second", "third", "apart"}
    assert chain.verdicts().keys() == names | {"sub/dvc.yaml:last"}
    chain.run("git", "checkout", "-q", ".")
    for folder in ("sub", "sub/deeper"):
        inner = SmallRepository.__new__(SmallRepository)
        inner.project = Project(chain.root / folder, sends=False)
        assert inner.verdicts().keys() == {"sub/dvc.yaml:last"}
        assert inner.verdicts("--stage", "apart").keys() == {"apart"}


def test_settings_that_could_bring_in_another_result_are_not_inherited(
    chain: SmallRepository,
) -> None:
    """What the user has set for other programs is; PYTHONPATH leads to the code of the commit."""
    names = ("DVC_EXP_NAME", "MLFLOW_TRACKING_URI", "OWN", "PYTHONPATH")
    chain.write(
        {
            "code/module.py": "VALUE = 1\n",
            "dvc.yaml": f"""
                stages:
                  show:
                    cmd: env | grep -E '^({"|".join(names)})=' | sort
                  use:
                    cmd: python -c "import module; print(module.VALUE)" > value.txt
                    outs: [value.txt]
                """,
        }
    )
    variables = {name: name.lower() for name in names}
    variables["PYTHONPATH"] = f"{chain.root / 'code'}:{chain.root / 'untracked'}:/elsewhere"
    chain.project.run("dvc", "repro", "-q", env={"PYTHONPATH": variables["PYTHONPATH"]})
    chain.commit()
    chain.write({"code/module.py": "VALUE = 2\n", "untracked/x.py": ""})
    edit(chain, "| sort", "| sort; false")
    chain.run("git", "commit", "-qm", "it fails", "dvc.yaml")
    done = chain.project.run("linreg", "verify", env=variables, check=False)
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("show: could not"))
    shown = line.partition("ended with exit code 1: ")[2].split(" | ")
    assert shown[0] == "OWN=own"
    folders = shown[1].removeprefix("PYTHONPATH=").split(":")
    assert folders[0].endswith("/clone/code")
    assert folders[1:] == [str(chain.root / "untracked"), "/elsewhere"]
    assert len(shown) == 2
    assert any(
        line.startswith("use ") and line.endswith("  same") for line in done.stdout.splitlines()
    )


def test_independent_stages_run_at_the_same_time(tmp_path: Path) -> None:
    """Each of two waits for a file of the other one's."""
    wait = "for i in $(seq 500); do [ -e {} ] && exit; sleep 0.02; done; false"
    repository = SmallRepository(tmp_path / "repository")
    repository.write(
        {
            "dvc.yaml": f"""
                stages:
                  a:
                    cmd: echo 1 > a; {wait.format("b")}
                    outs: [a]
                  b:
                    cmd: echo 1 > b; {wait.format("a")}
                    outs: [b]
                """
        }
    )
    # One after the other, the first would wait for nothing.
    repository.write({"b": "1\n"})
    repository.run("dvc", "repro", "-q", "a")
    repository.run("dvc", "repro", "-q", "b")
    repository.commit()
    assert set(repository.verdicts("--jobs", "2")) == {"a", "b"}
    assert error(repository, "--jobs", "0") == "--jobs: must be at least 1; found 0"


def test_line_ends_of_windows_are_named_as_the_only_difference(tmp_path: Path) -> None:
    """dvc.lock was written where files have CRLF, of which git has kept LF."""
    repository = SmallRepository(tmp_path / "repository")
    stages = """
        stages:
          copy:
            cmd: cat in.txt > a.txt
            deps: [in.txt, b.bin]
            outs: [a.txt]
          count:
            cmd: wc -c < a.txt > c.txt
            deps: [a.txt]
            outs: [c.txt]
        """
    files = {"dvc.yaml": stages, ".gitattributes": "* -text\n", "b.bin": "\0\n"}
    repository.write({**files, "in.txt": "1\r\n2\r\n"})
    repository.reproduce()
    repository.write({"in.txt": "1\n2\n"})
    repository.commit()
    printed = repository.verify(code=1)
    assert "a.txt: its line ends only: CRLF, as on Windows, became LF" in printed
    assert (
        "copy: recorded with CRLF as line ends, as on Windows, where git has LF: in.txt;" in printed
    )
    assert "copy: changed since" not in printed
    # Of a number of bytes it is more than the line ends.
    assert "c.txt: line 1, column 1: '6' became '4'" in printed
    copy = repository.verdicts(code=1)["copy"]
    assert copy["changed_line_ends"] == ["in.txt"]
