"""One stage executed by the shell, as DVC executes it."""

import errno
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock

from linreg.verify.repository.stages import Stage

SHELL_OPTIONS = {"bash": ("--noprofile", "--norc"), "zsh": ("--no-rcs",), "fish": ("--no-config",)}
"""With these DVC has a shell read no configuration."""
LAST_BYTES = 20_000
LAST_LINES = 3
_running: set[subprocess.Popen[bytes]] = set()
_starting = Lock()
_interrupted = Event()


@dataclass(frozen=True)
class StageRun:
    """How the commands of a stage ended.

    failure  why they could not be run to their end; empty when they were
    output   the end of what they printed
    """

    seconds: float
    failure: str = ""
    output: str = ""


def run_stage(
    stage: Stage,
    root: Path,
    environment: Mapping[str, str],
    scratch: Path,
    *,
    prefix: Sequence[str] = (),
) -> StageRun:
    """Run a stage's commands in its `wdir`, one after the other, until one of them fails.

    root         the folder that takes the place of the one that holds .dvc
    environment  all variables; DVC_ROOT and DVC_STAGE are added, as DVC does
    scratch      a folder for what the commands print
    prefix       a program and its arguments that start the shell, such as `unshare --net`

    The shell is that of $SHELL, as DVC's is.
    """
    start = time.monotonic()
    variables = {**environment, "DVC_ROOT": str(root), "DVC_STAGE": stage.name}
    # All stages may run at the same time.
    log = scratch / f"{stage.name.replace('/', ' ')}.log"
    failure = ""
    with log.open("wb") as file:
        for command in stage.commands:
            arguments = [*prefix, *shell_command(command, variables)]
            try:
                code = _call(arguments, root / stage.wdir, variables, file.fileno())
            except OSError as error:
                failure = f"{error.filename}: {error.strerror}"
                break
            if code != 0:
                failure = f"`{command}` {_in_words(code)}"
                break
    output = _end_of(log)
    return StageRun(time.monotonic() - start, _with_last_lines(failure, output), output)


@contextmanager
def stages_killed_at_an_interrupt() -> Iterator[None]:
    """Kill all stages that run, in any thread, at Ctrl-C: none must outlive its folder."""
    _interrupted.clear()
    try:
        yield
    except BaseException:
        with _starting:
            _interrupted.set()
            for process in _running:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            _running.clear()
        raise


def shell_command(command: str, environment: Mapping[str, str]) -> list[str]:
    """Return the arguments with which DVC has a shell execute a command."""
    shell = environment.get("SHELL") or "/bin/sh"
    return [shell, *SHELL_OPTIONS.get(Path(shell).name.lower(), ()), "-c", command]


def _call(arguments: list[str], folder: Path, environment: Mapping[str, str], file: int) -> int:
    with _starting:
        if _interrupted.is_set():
            raise InterruptedError(errno.EINTR, os.strerror(errno.EINTR), arguments[0])
        process = subprocess.Popen(  # noqa: S603 - the commands of the commit that is verified
            arguments,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        _running.add(process)
    # After Ctrl-C in this thread, it is still one of those to be killed.
    code = process.wait()
    with _starting:
        _running.discard(process)
    return code


def _in_words(code: int) -> str:
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"


def _end_of(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - LAST_BYTES))
        return file.read().decode(errors="replace")


def _with_last_lines(failure: str, output: str) -> str:
    """Add what a stage printed last, or its errors in one line where it has such."""
    if not failure:
        return ""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("error: ")] or lines[-LAST_LINES:]
    return ": ".join([failure, *([" | ".join(errors)] if errors else [])])
