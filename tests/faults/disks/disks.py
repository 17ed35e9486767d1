"""Real small disks for one process: full, read-only, or both, in a namespace of its own that ends
with it.
"""

import ctypes
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from linreg.files import files_in
from tests.faults.forked import Outcome

ROOT = Path(__file__).parents[3]
STAGES = ("generate", "ingest", "split", "train", "evaluate")
OUTPUTS = ("data", "models")
WARNINGS = ("tracking: this run is no longer tracked: ", "train: no checkpoint can be written")
"""What a stage may say besides its error, or although it succeeds."""
_NEW_MOUNTS, _NEW_USER = 0x20000, 0x10000000
_READ_ONLY, _REMOUNT, _BIND = 1, 32, 4096


def can_mount() -> bool:
    command = ["unshare", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


needs_mount = pytest.mark.skipif(not can_mount(), reason="no small disk can be mounted here")


def be_alone() -> None:
    """Give this process mounts of its own; only for one that has been forked for it."""
    user, group = os.getuid(), os.getgid()
    _call("unshare", _NEW_MOUNTS | _NEW_USER)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {user} 1")
    Path("/proc/self/gid_map").write_text(f"0 {group} 1")


def mount_disk(folder: Path, megabytes: int) -> None:
    """Put an empty disk of that size where `folder` is."""
    _call("mount", b"tmpfs", os.fsencode(folder), b"tmpfs", 0, f"size={megabytes}m".encode())


def make_read_only(folder: Path) -> None:
    """Have nobody write below `folder`, not even root."""
    path = os.fsencode(folder)
    _call("mount", path, path, None, _BIND, None)
    _call("mount", None, path, None, _REMOUNT | _BIND | _READ_ONLY, None)


def fill(folder: Path, free: int) -> None:
    """Take all the room of the disk under `folder` but `free` kilobytes."""
    state = os.statvfs(folder)
    with (folder / "filler").open("wb") as file:
        file.truncate(0)
        os.posix_fallocate(file.fileno(), 0, max(1, state.f_bavail * state.f_frsize - free * 1024))


def _call(name: str, *arguments: object) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def on_small_disk(
    main: Callable[[], None], project: Path, disk: Path, free: int
) -> Callable[[], None]:
    """Return a main() that runs in a copy of the project on a disk with `free` kilobytes; what is
    left is `after`.
    """

    def alone() -> None:
        be_alone()
        mount_disk(disk, 40)
        shutil.copytree(project, disk, dirs_exist_ok=True)
        fill(disk, free)
        os.chdir(disk)
        try:
            main()
        finally:
            (disk / "filler").unlink()
            os.chdir("/")
            shutil.copytree(disk, disk.parent / "after")

    return alone


def contents(project: Path) -> dict[str, bytes]:
    """Return every file of the outputs, and of what is left of them when a stage was stopped."""
    return {
        file.relative_to(project).as_posix(): file.read_bytes()
        for output in OUTPUTS
        for file in files_in(project / output)
        if file.is_file()
    }


def refusal(outcome: Outcome) -> str:
    """Return the one line of an error, after which nothing comes and before which only warnings of
    ours do.
    """
    *warnings, last = outcome.stderr.splitlines() or [""]
    assert not outcome.timed_out
    assert outcome.code in (1, 2), outcome.stderr
    assert last.startswith("error: "), outcome.stderr
    assert all(line.startswith(WARNINGS) for line in warnings), outcome.stderr
    assert len(warnings) == len(set(warnings)) <= len(WARNINGS), outcome.stderr
    return last.removeprefix("error: ")


def make_project(folder: Path, rows: int = 20_000, epochs: int = 2) -> Path:
    """Make a project in a folder whose stages have not run."""
    folder.mkdir(exist_ok=True)
    shutil.copy(ROOT / "dvc.yaml", folder)
    train = f"train: {{epochs: {epochs}, batch_size: 1000}}\n"
    (folder / "params.yaml").write_text(
        f"generate: {{rows: {rows}}}\nsplit: {{shards: 2}}\n{train}"
    )
    return folder
