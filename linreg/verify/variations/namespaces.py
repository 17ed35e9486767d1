"""Variations that Linux makes for some processes alone: host name, network, user, CPUs."""

import os
import pwd
import shutil
import subprocess
import sys
from functools import cache

from linreg.verify.variations.variation import Variation

HOST = "elsewhere"
_SET_HOST = f"echo {HOST} > /proc/sys/kernel/hostname"
# The processes of a stage may talk to each other.
_LOOPBACK_UP = """
import fcntl, os, socket, struct, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    up = struct.pack("16sh14x", b"lo", 1 | 64)
    fcntl.ioctl(s, 0x8914, up)
os.execvp(sys.argv[1], sys.argv[1:])
"""
ONLINE = "/sys/devices/system/cpu/online"
"""The file that the C library counts CPUs by."""
_ONE_CPU = f'f=$(mktemp) && echo 0 > "$f" && mount --bind "$f" {ONLINE} && rm "$f"'


def host_name() -> Variation:
    """Another host name."""
    prefix = _in_namespace("--uts", ("sh", "-c", f'{_SET_HOST} && exec "$@"', "sh"))
    name = os.uname().nodename
    change = f"{HOST} instead of {name}"
    return _variation("hostname", change, prefix, {"HOSTNAME": HOST})


def no_network() -> Variation:
    """No network but the machine's own loopback."""
    prefix = _in_namespace("--net", (sys.executable, "-I", "-c", _LOOPBACK_UP))
    return _variation("network", "none", prefix, {})


def user_name() -> Variation:
    """Another user name; another id of the user too, where the system can pretend one."""
    own = os.getuid()
    other = next((each for each in pwd.getpwall() if each.pw_uid not in (0, own)), None)
    name = other.pw_name if other else "somebody"
    names = dict.fromkeys(("USER", "LOGNAME", "LNAME", "USERNAME"), name)
    prefix: tuple[str, ...] = ()
    if other is not None:
        pretend = ("unshare", "--user", f"--map-user={other.pw_uid}", "--map-group=65534", "--")
        prefix = pretend if not why_not(pretend) else ()
    change = f"{name}{'' if prefix else ' in the environment only'}"
    return Variation("user", change, environment=names, prefix=prefix)


def one_cpu() -> Variation:
    """One CPU: for the scheduler, and where it can be had also in the number that programs read."""
    if len(os.sched_getaffinity(0)) == 1 and os.cpu_count() == 1:
        return Variation("cpus", unavailable="this machine has one CPU")
    first = min(os.sched_getaffinity(0))
    if shutil.which("taskset") is None:
        return Variation("cpus", unavailable="taskset is not installed (util-linux)")
    pinned = ("taskset", "--cpu-list", str(first))
    counted = _in_namespace("--mount", ("sh", "-c", f'{_ONE_CPU} && exec "$@"', "sh"))
    variables = {"PYTHON_CPU_COUNT": "1"}
    if isinstance(counted, str):
        return Variation("cpus", "1 to run on", environment=variables, prefix=pinned)
    return Variation("cpus", "1", environment=variables, prefix=(*counted, *pinned))


def _variation(
    name: str, change: str, prefix: tuple[str, ...] | str, environment: dict[str, str]
) -> Variation:
    if isinstance(prefix, str):
        return Variation(name, unavailable=prefix)
    return Variation(name, change, environment=environment, prefix=prefix)


def _in_namespace(kind: str, inside: tuple[str, ...]) -> tuple[str, ...] | str:
    """Return what starts a command in a namespace of its own, or why that is not possible.

    inside  a program in it that prepares it and executes the command

    Who is not root becomes so in a further namespace of users, and the same user again inside.
    """
    if shutil.which("unshare") is None:
        return "unshare is not installed (util-linux)"
    as_root = ("unshare", kind, "--", *inside)
    if not (reason := why_not(as_root)):
        return as_root
    back = (f"--map-user={os.getuid()}", f"--map-group={os.getgid()}")
    as_user = ("unshare", "--map-root-user", kind, "--", *inside, "unshare", "--user", *back, "--")
    return as_user if not why_not(as_user) else reason


@cache
def why_not(prefix: tuple[str, ...]) -> str:
    """Return why a program cannot start a command here, in its own words, or an empty text."""
    try:
        done = subprocess.run(  # noqa: S603 - our own arguments
            [*prefix, "true"], capture_output=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    return "" if done.returncode == 0 else (lines[-1] if lines else "it is refused")
