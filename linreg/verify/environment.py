"""The installed libraries compared with requirements.lock, and the machine they run on."""

import importlib.metadata
import os
import platform
import re
from pathlib import Path

from linreg.errors import UserError

CPU_INFO = Path("/proc/cpuinfo")
MOST_NAMED = 5
LEVELS = {
    4: {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"},
    3: {"abm", "avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe", "xsave"},
    2: {"cx16", "lahf_lm", "pni", "popcnt", "sse4_1", "sse4_2", "ssse3"},
}
"""The flags in /proc/cpuinfo that each microarchitecture level of the x86-64 psABI adds."""
ARM_PARTS = {
    "0xd0c": "Arm Neoverse N1",
    "0xd40": "Arm Neoverse V1",
    "0xd49": "Arm Neoverse N2",
    "0xd4f": "Arm Neoverse V2",
}
"""What /proc/cpuinfo gives as a number only: the CPUs of servers that Arm (0x41) has designed."""
VECTOR_EXTENSIONS = {"sve2": "SVE2", "sve": "SVE", "asimd": "NEON"}
"""The SIMD instructions of aarch64 by their flags, the newest first."""


def describe_machine() -> list[str]:
    """Return lines on the system and the CPU."""
    return [
        f"{platform.system()} {platform.machine()}, "
        f"{' '.join(platform.libc_ver()).strip() or 'libc unknown'}",
        f"CPU: {cpu_name()}, {os.cpu_count()} cores",
    ]


def describe_environment(lock: Path) -> list[str]:
    """Return lines on libraries, Python, system and CPU; the last one is a warning if need be.

    Libraries are compared with a lock file of lines `name==version`, or of a YAML list of them. A
    local version, such as PyTorch's `2.13.0+cpu`, matches the version that it is a build of, unless
    the lock file names a build itself. Raises UserError for a lock file that is absent or names no
    versions.
    """
    locked = _locked_versions(lock)
    installed = {name: _installed_version(name) for name in locked}
    wrong = [
        f"{name} {installed[name] or 'missing'} instead of {version}"
        for name, version in locked.items()
        if not _matches(installed[name], version)
    ]
    more = f" and {len(wrong) - MOST_NAMED} more" if len(wrong) > MOST_NAMED else ""
    libraries = f"{', '.join(wrong[:MOST_NAMED])}{more}" or f"all {len(locked)} as in {lock.name}"
    system, cpu = describe_machine()
    lines = [f"libraries: {libraries}", f"Python {platform.python_version()}, {system}", cpu]
    if wrong:
        lines.append("the environment is not the locked one, so results may differ")
    return lines


def cpu_name(info: Path = CPU_INFO) -> str:
    """Return the CPU's model name and its SIMD instructions, each as far as it is known.

    Those of x86-64 are named by its level, those of aarch64 by their newest extension.
    """
    names = re.findall(r"^model name\s*: (.*)$", _text(info), re.MULTILINE)
    name = names[0].strip() if names else _arm_name(info)
    flags = _flags(info)
    extensions = [name for flag, name in VECTOR_EXTENSIONS.items() if flag in flags]
    if extensions:
        return f"{name} (aarch64, {extensions[0]})"
    return f"{name} ({f'x86-64-v{cpu_level(info)}' if flags else 'level unknown'})"


def _arm_name(info: Path) -> str:
    fields = ("CPU implementer", "CPU part")
    found = [re.search(rf"^{field}\s*: (\S+)$", _text(info), re.MULTILINE) for field in fields]
    implementer, part = (each[1] if each else "" for each in found)
    if not (implementer and part):
        return "unknown"
    known = ARM_PARTS.get(part) if implementer == "0x41" else None
    return known or f"implementer {implementer}, part {part}"


def cpu_level(info: Path = CPU_INFO) -> int:
    """Return the highest x86-64 level, 1 to 4, that the CPU supports; 1 for an unknown CPU."""
    flags = _flags(info)
    level = 1
    while level < max(LEVELS) and LEVELS[level + 1] <= flags:
        level += 1
    return level


def _flags(info: Path) -> set[str]:
    first = re.search(r"^(?:flags|Features)\s*: (.*)$", _text(info), re.MULTILINE)
    return set(first[1].split()) if first else set()


def _text(info: Path) -> str:
    try:
        return info.read_text(encoding="utf-8")
    except OSError:
        return ""


def _locked_versions(lock: Path) -> dict[str, str]:
    try:
        text = lock.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(
            lock, "there is no such file", todo=f"write one: pip freeze > {lock.name}"
        ) from None
    versions = dict(re.findall(r"^(?:- )?([\w.-]+)==([^\s;]+)", text, re.MULTILINE))
    if not versions:
        raise UserError(lock, "must hold lines name==version")
    return versions


def _installed_version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _matches(installed: str | None, version: str) -> bool:
    return installed is not None and version in (installed, installed.partition("+")[0])
