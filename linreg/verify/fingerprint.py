"""The environment that something is executed in, beside the one that requirements.lock names."""

import importlib.metadata
import os
import platform
import re
from dataclasses import dataclass
from pathlib import Path

from linreg.errors import UserError

CPU_INFO = Path("/proc/cpuinfo")
MOST_NAMED = 5
LEVELS = {
    4: {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"},
    3: {"abm", "avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe", "xsave"},
    2: {"cx16", "lahf_lm", "pni", "popcnt", "sse4_1", "sse4_2", "ssse3"},
}
"""What a CPU of each level adds to the one below, by the names of /proc/cpuinfo (the x86-64 psABI's
levels).
"""


@dataclass(frozen=True)
class Fingerprint:
    """Whether the installed libraries are those of the lock file, and everything in words."""

    matches: bool
    lines: list[str]


def fingerprint(lock: Path) -> Fingerprint:
    """Compare what is installed with a lock file of lines `name==version`.

    A local version, such as the CPU build of PyTorch `2.13.0+cpu`, is the version that it is a
    build of, unless the lock file names a build itself. Raises UserError when there is no lock
    file, or nothing in it.
    """
    wanted = _locked(lock)
    installed = {name: _installed(name) for name in wanted}
    wrong = [
        f"{name} {installed[name] or 'missing'} instead of {version}"
        for name, version in wanted.items()
        if not _is(installed[name], version)
    ]
    if wrong:
        more = f" and {len(wrong) - MOST_NAMED} more" if len(wrong) > MOST_NAMED else ""
        libraries = f"{', '.join(wrong[:MOST_NAMED])}{more}"
    else:
        libraries = f"all {len(wanted)} as in {lock.name}"
    return Fingerprint(
        not wrong,
        [
            f"libraries: {libraries}",
            f"Python {platform.python_version()}, {platform.system()} {platform.machine()},"
            f" {' '.join(platform.libc_ver()).strip() or 'libc unknown'}",
            f"CPU: {cpu()}, {os.cpu_count()} cores",
        ],
    )


def cpu(info: Path = CPU_INFO) -> str:
    """Return the CPU's name and the level of x86-64 that it is on, each as far as it is known."""
    names = re.findall(r"^model name\s*: (.*)$", _text(info), re.MULTILINE)
    level = f"x86-64-v{cpu_level(info)}" if _flags(info) else "level unknown"
    return f"{names[0].strip() if names else 'unknown'} ({level})"


def cpu_level(info: Path = CPU_INFO) -> int:
    """Return the highest level of x86-64 that the CPU is on, 1 to 4; 1 where nothing is known of
    it.
    """
    flags, level = _flags(info), 1
    while level < max(LEVELS) and LEVELS[level + 1] <= flags:
        level += 1
    return level


def _flags(info: Path) -> set[str]:
    return set(" ".join(re.findall(r"^flags\s*: (.*)$", _text(info), re.MULTILINE)[:1]).split())


def _text(info: Path) -> str:
    try:
        return info.read_text(encoding="utf-8")
    except OSError:
        return ""


def _locked(lock: Path) -> dict[str, str]:
    try:
        text = lock.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(
            lock, "there is no such file", todo="it names the versions of all libraries"
        ) from None
    versions = dict(re.findall(r"^([\w.-]+)==([^\s;]+)", text, re.MULTILINE))
    if not versions:
        raise UserError(lock, "must hold lines name==version")
    return versions


def _installed(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _is(installed: str | None, version: str) -> bool:
    return installed is not None and version in (installed, installed.partition("+")[0])
