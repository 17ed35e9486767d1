"""Names out of files stay text: in a terminal, in a page and in Markdown."""

import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from linreg.data.formula.design import Design
from linreg.errors import UserError, one_line_errors, printable
from linreg.markdown import code, plain
from linreg.tracking.journal.run_folder import RunFolder
from linreg.tracking.mlflow.required_columns import required_columns_markdown
from linreg.tracking.runs import MODEL, KnownRun
from linreg.verify.run_checkout import checkout_run
from tests.faults.forked import run_command
from tests.prediction.fitted import save_model

ESCAPES = "\x1b[31mred\x1b]0;title\x07\x9b2J\u202egnp.exe\r\x08\ud800"


def test_an_error_shows_no_sign_that_a_terminal_obeys() -> None:
    message = str(UserError(ESCAPES, ESCAPES, found=ESCAPES, todo=ESCAPES))
    assert message.isprintable()
    assert "\\x1b[31mred" in message
    message.encode()


def test_what_a_command_prints_shows_none_either(capsys: pytest.CaptureFixture[str]) -> None:
    def main() -> None:
        print(f"column {ESCAPES}\n\tnext")
        raise OSError(2, "there is no such file", ESCAPES)

    before = sys.stdout
    with pytest.raises(SystemExit):
        one_line_errors(main)()
    assert sys.stdout is before
    out, err = capsys.readouterr()
    assert out.endswith("\n\tnext\n")
    assert out.replace("\n", "").replace("\t", "").isprintable()
    assert err.startswith("error: \\x1b[31m")
    assert err.removesuffix("\n").isprintable()
    assert printable("θ – naïve 日本") == "θ – naïve 日本"


def test_a_column_with_escapes_reaches_no_terminal(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text(
        "\x1b[31mx,y,z\n" + "".join(f"{i},{2 * i + i % 3},{i * i}\n" for i in range(30))
    )
    (tmp_path / "params.yaml").write_text("{}\n")
    found = run_command(["use", "table.csv", "--target", "y", "--dry-run"], tmp_path)
    assert "x1b[31mx" in found.stdout + found.stderr, found
    assert "\x1b" not in found.stdout + found.stderr


@pytest.mark.parametrize("text", ["`", "``` x", "a`b``c", "plain", "![](http://127.0.0.1/x)"])
def test_code_in_markdown_ends_where_the_text_ends(text: str) -> None:
    fence = code(text)[: len(code(text)) - len(code(text).lstrip("`"))]
    assert code(text).endswith(fence)
    assert fence not in code(text)[len(fence) : -len(fence)]


def test_a_level_cannot_bring_a_picture_or_a_tag_into_a_description(
    learn: Callable[..., Design], tmp_path: Path
) -> None:
    level = "![](http://127.0.0.1/x)<script>alert(1)</script>|`\n# title"
    rows = pa.table({"y": [1.0, 2.0, 4.0, 3.0] * 5, "g": ["a", level, "b", level] * 5})
    shown = required_columns_markdown(save_model(tmp_path / "model", learn, "y ~ g", rows))
    line = shown.splitlines()[-1]
    assert line == f"- `g`: category of string: {plain(level)}, a, b"
    assert "\\!" not in line
    assert "!\\[\\](" in line
    assert "<" not in line.replace("\\<", "")
    assert "# title" in line, "on the same line, where it is no heading"


def test_a_journal_cannot_send_files_from_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    run = RunFolder("key")
    run.path.mkdir(parents=True)
    (run.path / "link").symlink_to("/etc")
    assert run.resolve("files/model") == run.path / "files/model"
    for path in ("../other", "/etc/passwd", "files/../../../x", "link/passwd"):
        with pytest.raises(UserError, match="names a file outside of the run's folder"):
            run.resolve(path)


@pytest.mark.parametrize(
    "commit", ["--upload-pack=touch marker", "HEAD", "-x", "; touch marker", "a" * 39]
)
def test_the_commit_of_a_run_is_no_option_of_git(commit: str) -> None:
    run = KnownRun("key", "id", "name", 0, "FINISHED", {"git.commit": commit, MODEL: "md5"}, {})
    with pytest.raises(UserError, match=r"^run id: has no commit; found "), checkout_run(run):
        pytest.fail("it was checked out")
