"""Runs a script's main() as a process of its own, in hundredths of a second: forked from one that
has all imports.

It is a real process with a real exit code, its own working directory, environment, output and
memory; what it spares is the second of imports, so that thousands of cases fit into minutes. What
one process still had to import of ours, the next ones find imported.
"""

import importlib
import os
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Never

POLL = 0.005


@dataclass(frozen=True)
class Outcome:
    """How a process has ended."""

    code: int
    """Its exit code; the negative number of the signal that killed it."""
    stdout: str
    stderr: str
    seconds: float
    megabytes: float
    """How much its resident memory has grown at most, beyond what it was forked with."""
    timed_out: bool

    @property
    def is_right(self) -> bool:
        """Tell whether it ended with success and nothing on stderr that looks like a traceback."""
        return self.code == 0 and "Traceback" not in self.stderr

    @property
    def refusal(self) -> str | None:
        """Return the one line of a refusal, without `error: `, or None if this is not a proper
        one.
        """
        lines = self.stderr.splitlines()
        proper = (
            self.code in (1, 2)
            and len(lines) == 1
            and lines[0].startswith("error: ")
            and not self.timed_out
        )
        return lines[0].removeprefix("error: ") if proper else None


def run_stage(
    name: str, folder: Path, *, timeout: float = 60.0, env: Mapping[str, str] = MappingProxyType({})
) -> Outcome:
    """Run the main() of `stages/NAME.py` in a folder, as `python -m stages.NAME` does."""
    main = importlib.import_module(f"stages.{name}").main
    return run(main, [f"stages/{name}.py"], folder, timeout=timeout, env=env)


def run_command(
    arguments: Sequence[str],
    folder: Path,
    *,
    timeout: float = 60.0,
    env: Mapping[str, str] = MappingProxyType({}),
) -> Outcome:
    """Run `linreg ARGUMENTS` in a folder."""
    from linreg.cli import main

    return run(main, ["linreg", *arguments], folder, timeout=timeout, env=env)


def run(
    main: Callable[[], None],
    argv: Sequence[str],
    folder: Path,
    *,
    timeout: float = 60.0,
    env: Mapping[str, str] = MappingProxyType({}),
) -> Outcome:
    """Call main() with argv in a forked process, in `folder`; kill it after `timeout` seconds."""
    outputs = {
        name: folder.parent / f".{folder.name}.{name}"
        for name in ("stdout", "stderr", "memory", "imported")
    }
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        _be_the_process(main, argv, folder, outputs, env)
    status, timed_out = _wait(child, began + timeout)
    seconds = time.monotonic() - began
    texts = {
        name: path.read_text(errors="replace") if path.exists() else ""
        for name, path in outputs.items()
    }
    for path in outputs.values():
        path.unlink(missing_ok=True)
    _import(texts["imported"].split())
    code = os.waitstatus_to_exitcode(status)
    return Outcome(
        code, texts["stdout"], texts["stderr"], seconds, float(texts["memory"] or "nan"), timed_out
    )


def _import(modules: Sequence[str]) -> None:
    """Import what is not yet, without the warnings that a test would take for errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in modules:
            importlib.import_module(name)


def _wait(child: int, deadline: float) -> tuple[int, bool]:
    while True:
        process, status = os.waitpid(child, os.WNOHANG)
        if process:
            return status, False
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            return os.waitpid(child, 0)[1], True
        time.sleep(POLL)


def _be_the_process(
    main: Callable[[], None],
    argv: Sequence[str],
    folder: Path,
    outputs: Mapping[str, Path],
    env: Mapping[str, str],
) -> Never:
    """Become what `python -m` would have started; never returns into the test's own code."""
    code = 70  # whatever happens below, this is not a success
    before = 0.0
    try:
        os.setsid()
        os.chdir(folder)
        os.environ.update(env)
        for name, number in (("stdout", 1), ("stderr", 2)):
            handle = os.open(outputs[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(handle, number)
        sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
        sys.argv = list(argv)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        before = _forget_the_highest()
        main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        if isinstance(end.code, str):
            sys.stderr.write(end.code + "\n")
    except BaseException:  # noqa: BLE001 - a traceback is what the test has to see
        code = 1
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        ours = [name for name in sys.modules if name.startswith("linreg.")]
        outputs["imported"].write_text(" ".join(ours))
        outputs["memory"].write_text(str(_resident("VmHWM") - before))
        os._exit(code)


def _forget_the_highest() -> float:
    """Have the kernel count the highest resident memory from here on; returns the present one in
    MB.
    """
    Path("/proc/self/clear_refs").write_text("5")
    return _resident("VmRSS")


def _resident(key: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(key))
