"""The form of an error: one line that says where, what is wrong, what was found and what to do."""

import errno
import functools
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

WORKER_GONE = 75
"""Exit code of a process that ends because another one did: EX_TEMPFAIL in sysexits.h."""
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
_FORBIDDEN = (errno.EROFS, errno.EACCES, errno.EPERM)


class UserError(Exception):
    """A mistake in the user's data, parameters or environment; ends the process with exit code 2.

    The message reads `where: what; found …; todo`, on one line and `printable` whatever the parts
    contain. `where` is a file (with column and row, if there is one) or a parameter such as
    `params.yaml: train.lr`.

    finding  the message without what to do
    """

    def __init__(self, where: object, what: str, *, found: object = None, todo: str = "") -> None:
        parts = [f"{where}: {what}"]
        if found is not None:
            parts.append(f"found {_shortened(str(found))}")
        self.finding = _one_line(parts)
        if todo:
            parts.append(todo)
        super().__init__(_one_line(parts))


class WorkerGoneError(Exception):
    """Another process of the same stage has ended; ends this one with exit code 75."""

    def __init__(self) -> None:
        super().__init__("workers: another process of this stage has ended; run the stage again")


class Interrupted(KeyboardInterrupt):
    """Ctrl-C or SIGTERM; ends the process with the exit code that shells give to a signal."""

    def __init__(self, number: int, message: str = "interrupted") -> None:
        super().__init__(message)
        self.number = number


def one_line_errors(
    main: Callable[[], None], report: Callable[[str, int], None] | None = None
) -> Callable[[], None]:
    """Wrap a script's main() so that its errors are one line and an exit code.

    A user's mistake exits with 2, a full disk or a missing file with 1, an interrupt with 130. Any
    other exception is a mistake of ours and keeps its traceback. `report` takes the line and the
    exit code, in place of stderr. All that main() prints is `printable`.
    """

    @functools.wraps(main)
    def wrapped() -> None:
        try:
            with _printable_output():
                main()
        except BrokenPipeError:
            # The reader of our output, such as `head`, has closed it; Python would fail once more
            # when it flushes stdout at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)
        except (UserError, WorkerGoneError, OSError, KeyboardInterrupt) as error:
            message, code = _message_and_exit_code(error)
            with suppress(OSError):
                # In a pipe too, what was printed before the error comes before it.
                sys.stdout.flush()
            (report or _print_error)(printable(message), code)
            sys.exit(code)

    return wrapped


def _message_and_exit_code(error: BaseException) -> tuple[str, int]:
    match error:
        case UserError():
            return str(error), 2
        case OSError():
            return _os_error_message(error), 1
        case WorkerGoneError():
            return str(error), WORKER_GONE
        case Interrupted():
            return str(error), 128 + error.number
        case _:
            return "interrupted", 130


def _os_error_message(error: OSError) -> str:
    is_full = error.errno in _DISK_FULL
    where = error.filename or (Path.cwd() if is_full else "the operating system")
    message = f"{where}: {os_error_reason(error)}"
    if is_full:
        return f"{message}; free some space and run it again, no incomplete file was left behind"
    if error.errno in _FORBIDDEN:
        return f"{message}; make it writable, or run it in a folder that is"
    return message


def os_error_reason(error: OSError) -> str:
    """Return in words why the operating system refused something."""
    return "the disk is full" if error.errno in _DISK_FULL else error.strerror or str(error)


def printable(text: str, keep: str = "") -> str:
    r"""Return a text in which control and invisible characters are escapes such as \x1b.

    Names of columns, levels and runs come from files and may contain anything, such as what makes
    a terminal move its cursor. Characters in `keep` stay as they are.
    """
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() or each in keep else each.encode("unicode_escape").decode()
        for each in text
    )


class _PrintableStream:
    r"""A stream to which only `printable` text is written, except for the characters to `keep`.

    What its encoding lacks is an escape too: θ is \u03b8 on a terminal of Latin-1.
    """

    def __init__(self, stream: Any, keep: str) -> None:
        self._stream = stream
        self._keep = keep

    def write(self, text: str) -> int:
        text = printable(text, self._keep)
        if not text.isascii():
            encoding = self._stream.encoding or "utf-8"
            text = text.encode(encoding, "backslashreplace").decode(encoding)
        return int(self._stream.write(text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def _printable_output() -> Iterator[None]:
    stdout, stderr = sys.stdout, sys.stderr
    sys.stdout = cast("Any", _PrintableStream(stdout, "\n\t"))
    # A progress bar returns to the start of its line with \r.
    sys.stderr = cast("Any", _PrintableStream(stderr, "\n\t\r"))
    try:
        yield
    finally:
        sys.stdout, sys.stderr = stdout, stderr


def _print_error(message: str, _code: int) -> None:
    print(f"error: {message}", file=sys.stderr)


def _one_line(parts: list[str]) -> str:
    return printable("; ".join(" ".join(part.split()) for part in parts))


def _shortened(text: str, limit: int = 200) -> str:
    """Keep a message readable when what was found is a whole line of somebody's file."""
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"
