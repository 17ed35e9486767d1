"""A project with a toy stage, run as people run stages: real processes, started by the real
launcher.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import linreg

LIBRARY = Path(linreg.__file__).parent
SECONDS_TO_START = 60


@dataclass(frozen=True)
class Toy:
    """A folder with stages/toy.py and linreg, and the processes that a test has started there."""

    folder: Path
    started: list["subprocess.Popen[str]"] = field(default_factory=list)

    def __enter__(self) -> Self:
        (self.folder / "stages").mkdir(parents=True)
        (self.folder / "stages/__init__.py").touch()
        (self.folder / "linreg").symlink_to(LIBRARY)
        shutil.copy(Path(__file__).with_name("toy.py"), self.folder / "stages")
        return self

    def __exit__(self, *_: object) -> None:
        left = [int(path.read_text() or 0) for path in self.folder.glob("pid-*")]
        for pid in filter(is_alive, left):
            os.kill(pid, signal.SIGKILL)
        for process in self.started:
            process.kill()
            process.communicate()

    def start(self, *command: str, **env: str) -> "subprocess.Popen[str]":
        """Start `python -m stages.toy`, or Python with other arguments, with `env` in the
        environment.
        """
        environment = {
            k: v
            for k, v in os.environ.items()
            if not k.startswith(("DVC", "WORKERS", "RANK", "LINREG"))
        }
        process = subprocess.Popen(
            [sys.executable, *(command or ("-m", "stages.toy"))],
            cwd=self.folder,
            env=environment | env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def run(self, *command: str, **env: str) -> "subprocess.CompletedProcess[str]":
        """Run a process to its end."""
        process = self.start(*command, **env)
        output, errors = process.communicate(timeout=120)
        return subprocess.CompletedProcess(process.args, process.returncode, output, errors)

    def pids(self, num_workers: int) -> list[int]:
        """Wait until main() runs in all processes and return their ids, by rank."""
        paths = [self.folder / f"pid-{rank}" for rank in range(num_workers)]
        wait_until(
            lambda: all(path.exists() and path.read_text() for path in paths), SECONDS_TO_START
        )
        return [int(path.read_text()) for path in paths]


def wait_until(happens: Callable[[], bool], seconds: float) -> None:
    """Wait until a condition holds, and fail if it does not within so many seconds."""
    deadline = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < deadline, f"not after {seconds} s"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"
