import errno
import io
import subprocess
import sys
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linreg.errors import UserError, one_line_errors


def ends_with(error: BaseException) -> Callable[[], None]:
    @one_line_errors
    def main() -> None:
        raise error

    return main


def test_a_message_says_what_is_wrong_where_what_was_found_and_what_to_do() -> None:
    error = UserError(
        "table.csv: column a", "must be a number", found="x1", todo="correct the cell"
    )
    assert str(error) == "table.csv: column a: must be a number; found x1; correct the cell"
    assert str(UserError("table.csv", "is empty")) == "table.csv: is empty"


@pytest.mark.parametrize("found", [0, False, 0.0])
def test_a_falsy_value_that_was_found_is_reported(found: object) -> None:
    assert str(UserError("where", "what", found=found)) == f"where: what; found {found}"


@given(st.text(min_size=1), st.text(), st.text(), st.text())
def test_a_message_is_one_line_whatever_its_parts_hold(
    where: str, what: str, found: str, todo: str
) -> None:
    assert len(str(UserError(where, what, found=found, todo=todo)).splitlines()) == 1


def test_a_long_finding_is_cut_and_its_length_reported() -> None:
    message = str(UserError("where", "what", found="x" * 5000))
    assert len(message) < 250
    assert "5000" in message
    assert str(UserError("where", "what", found="x" * 200)).endswith("found " + "x" * 200)


def test_a_users_mistake_ends_with_2_and_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        ends_with(UserError("params.yaml", "is\nempty"))()
    assert end.value.code == 2
    assert capsys.readouterr().err == "error: params.yaml: is empty\n"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device", "a.parquet"),
            "a.parquet: the disk is full; free some space and run it again,"
            " no incomplete file was left behind",
        ),
        (
            FileNotFoundError(errno.ENOENT, "No such file or directory", "a.csv"),
            "a.csv: No such file or directory",
        ),
        (OSError("odd"), "the operating system: odd"),
    ],
)
def test_an_error_of_the_machine_ends_with_1_and_one_line(
    error: OSError, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        ends_with(error)()
    assert end.value.code == 1
    assert capsys.readouterr().err == f"error: {line}\n"


def test_an_interrupt_ends_with_130(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        ends_with(KeyboardInterrupt())()
    assert end.value.code == 130
    assert capsys.readouterr().err == "error: interrupted\n"


@pytest.mark.parametrize(
    "error", [ValueError("ours"), AssertionError(), KeyError("k"), RecursionError()]
)
def test_a_mistake_of_ours_keeps_its_traceback(error: Exception) -> None:
    with pytest.raises(type(error)):
        ends_with(error)()


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("utf-8", "θ → b²"),
        ("latin-1", r"\u03b8 \u2192 b²"),
        ("ascii", r"\u03b8 \u2192 b\xb2"),
        ("cp1252", r"\u03b8 \u2192 b²"),
    ],
)
def test_what_a_terminal_lacks_is_an_escape(
    monkeypatch: pytest.MonkeyPatch, encoding: str, expected: str
) -> None:
    out, err = (io.BytesIO(), io.BytesIO())
    for name, buffer in (("stdout", out), ("stderr", err)):
        monkeypatch.setattr(sys, name, io.TextIOWrapper(buffer, encoding, write_through=True))

    def main() -> None:
        print("θ → b²")
        print("θ → b²", file=sys.stderr)

    one_line_errors(main)()
    assert out.getvalue() == err.getvalue() == f"{expected}\n".encode(encoding)


def test_success_is_silent_and_exits_nowhere(capsys: pytest.CaptureFixture[str]) -> None:
    done = []
    one_line_errors(lambda: done.append(1))()
    assert done == [1]
    assert capsys.readouterr() == ("", "")


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    """`linreg summary | head -1`: the rest of the output goes nowhere, without a word."""
    program = (
        "from linreg.errors import one_line_errors\n"
        "@one_line_errors\n"
        "def main(): [print('x' * 1000) for _ in range(1000)]\n"
        "main()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(10) == b"x" * 10
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 1
