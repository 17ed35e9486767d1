"""The one shape of an error: one line that says what is wrong, where, what was found, what to
do.
"""

import errno
import functools
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

WORKER_GONE = 75
"""Exit code of a process that stopped only because another one did: sysexits.h calls it a temporary
failure.
"""
LAUNCHER = "LINREG_LAUNCHER"
"""Environment variable that tells a process which process has started it and speaks for it; unset
under a torchrun started by hand."""


_FULL = (errno.ENOSPC, errno.EDQUOT)
_FORBIDDEN = (errno.EROFS, errno.EACCES, errno.EPERM)


class UserError(Exception):
    """A mistake in the user's data, parameters or environment; ends the process with exit code 2.

    The message reads `where: what; found …; todo`, on one line and `printable` whatever the parts
    contain. `where` is a file (with column and row, if there is one) or a parameter such as
    `params.yaml: train.lr`.
    """

    def __init__(self, where: object, what: str, *, found: object = None, todo: str = "") -> None:
        parts = [f"{where}: {what}"]
        if found is not None:
            parts.append(f"found {_shortened(str(found))}")
        if todo:
            parts.append(todo)
        super().__init__(printable("; ".join(" ".join(part.split()) for part in parts)))


class WorkerGoneError(Exception):
    """Another process of the same stage has ended, so that this one cannot go on; ends it with exit
    code 75.
    """

    def __init__(self) -> None:
        super().__init__("workers: another process of this stage has ended; run the stage again")


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, or SIGTERM; ends the process with the exit code that shells give to the signal's
    number.
    """

    def __init__(self, number: int, message: str = "interrupted") -> None:
        super().__init__(message)
        self.number = number


def one_line_errors(
    main: Callable[[], None], tell: Callable[[str, int], None] | None = None
) -> Callable[[], None]:
    """Wrap a script's main(): a user's mistake exits 2, a full disk or a missing file 1, each with
    one line.

    `tell` takes the line and the exit code, in place of stderr. Anything else is a mistake of ours
    and keeps its traceback. All that main() prints is `printable`.
    """

    @functools.wraps(main)
    def wrapped() -> None:
        try:
            with _printing_plainly():
                main()
        except UserError as error:
            message, code = str(error), 2
        except BrokenPipeError:
            # Whoever reads our output, `head` for one, has seen enough; nothing more is written at
            # exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)
        except OSError as error:
            where = error.filename or (
                Path.cwd() if error.errno in _FULL else "the operating system"
            )
            message, code = f"{where}: {refusal(error)}", 1
            if error.errno in _FULL:
                message += "; make room and run it again, nothing half-written was left behind"
            elif error.errno in _FORBIDDEN:
                message += "; make it writable, or run it where you may write"
        except WorkerGoneError as error:
            message, code = str(error), WORKER_GONE
        except Interrupted as error:
            message, code = str(error), 128 + error.number
        except KeyboardInterrupt:
            message, code = "interrupted", 130
        else:
            return
        with suppress(OSError):
            # what came before the error is to be read before it, in a pipe too
            sys.stdout.flush()
        (tell or _print)(printable(message), code)
        sys.exit(code)

    return wrapped


def refusal(error: OSError) -> str:
    """Return in words what the operating system refuses."""
    return "the disk is full" if error.errno in _FULL else error.strerror or str(error)


def printable(text: str, keep: str = "") -> str:
    r"""Return a text as it can be shown: what a terminal obeys, hides or cannot write becomes an escape such as \x1b.

    Names of columns, levels and runs come out of files, and may hold anything.
    """
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() or each in keep else each.encode("unicode_escape").decode()
        for each in text
    )


class _Plain:
    """A stream that is written to `printable`, but for the signs to `keep`."""

    def __init__(self, stream: Any, keep: str) -> None:
        self._stream, self._keep = stream, keep

    def write(self, text: str) -> int:
        return int(self._stream.write(printable(text, self._keep)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def _printing_plainly() -> Iterator[None]:
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (
        cast("Any", _Plain(sys.stdout, "\n\t")),
        cast("Any", _Plain(sys.stderr, "\n\t\r")),
    )
    try:
        # a bar of progress begins anew with \r
        yield
    finally:
        sys.stdout, sys.stderr = before


def _print(message: str, _code: int) -> None:
    print(f"error: {message}", file=sys.stderr)


def _shortened(text: str, limit: int = 200) -> str:
    """Keep a message readable when what was found is a whole line of somebody's file."""
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"
