"""The one shape of an error: one line that says what is wrong, where, what was found, what to do."""

import functools
import os
import sys
from collections.abc import Callable


class UserError(Exception):
    """A mistake in the user's data, parameters or environment; ends the process with exit code 2.

    The message reads `where: what; found …; todo`, on one line whatever the parts contain. `where` is a file
    (with column and row, if there is one) or a parameter such as `params.yaml: train.lr`.
    """

    def __init__(self, where: object, what: str, *, found: object = None, todo: str = "") -> None:
        parts = [f"{where}: {what}"]
        if found is not None:
            parts.append(f"found {_shortened(str(found))}")
        if todo:
            parts.append(todo)
        super().__init__("; ".join(" ".join(part.split()) for part in parts))


def one_line_errors(main: Callable[[], None]) -> Callable[[], None]:
    """Wrap a script's main(): a user's mistake exits 2, a full disk or a missing file 1, each with one line.

    Anything else is a mistake of ours and keeps its traceback.
    """

    @functools.wraps(main)
    def wrapped() -> None:
        try:
            main()
        except UserError as error:
            sys.exit(_print(str(error), code=2))
        except BrokenPipeError:
            # Whoever reads our output, `head` for one, has seen enough; nothing more is written at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)
        except OSError as error:
            where = error.filename or "the operating system"
            sys.exit(_print(f"{where}: {error.strerror or error}", code=1))
        except KeyboardInterrupt:
            sys.exit(_print("interrupted", code=130))

    return wrapped


def _print(message: str, code: int) -> int:
    print(f"error: {message}", file=sys.stderr)
    return code


def _shortened(text: str, limit: int = 200) -> str:
    """Keep a message readable when what was found is a whole line of somebody's file."""
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"
