"""A command run under strace, which sees the files of every language and every process."""

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Self

from linreg.verify.hidden_inputs.trace_log import CALLS, FileAction, read_trace

_OPTIONS = ("-f", "-qq", "-y", "-e", f"trace={CALLS}", "-e", "signal=none")
_FAST = "--seccomp-bpf"
"""Has the kernel stop processes at the traced calls only, not at all; strace has it since 5.3."""


@cache
def why_not_traced() -> str:
    """Return why commands cannot be traced here, or an empty text."""
    if shutil.which("strace") is None:
        return "strace is not installed (Debian, Ubuntu: apt install strace)"
    return "" if _works(()) else f"strace may not trace processes here: {_error(())}"


class Trace:
    """The traces of commands that run one after the other; removed at the end of the block.

    prefix  the program and its arguments in front of each command
    """

    def __init__(self, scratch: Path) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="trace-", dir=scratch))
        options = (*_OPTIONS, _FAST) if _works((_FAST,)) else _OPTIONS
        # Each command has a log of its own, named by the process that is to be strace.
        script = f'exec strace {shlex.join(options)} -o "$0/$$" -- "$@"'
        self.prefix = ("/bin/sh", "-c", script, str(self._folder))

    def actions(self, folder: str) -> Iterator[FileAction]:
        """Yield what the commands did, each started in `folder`."""
        for log in sorted(self._folder.iterdir(), key=lambda each: each.stat().st_mtime_ns):
            # Paths of any bytes; strace itself writes others as escapes.
            with log.open(encoding="utf-8", errors="surrogateescape") as lines:
                yield from read_trace(lines, folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)


@cache
def _works(options: tuple[str, ...]) -> bool:
    return _try(options).returncode == 0


def _error(options: tuple[str, ...]) -> str:
    lines = _try(options).stderr.decode(errors="replace").strip().splitlines()
    return lines[0].removeprefix("strace: ") if lines else "no message"


def _try(options: tuple[str, ...]) -> subprocess.CompletedProcess[bytes]:
    command = ["strace", *_OPTIONS, *options, "-o", os.devnull, "--", "true"]
    return subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - our own
