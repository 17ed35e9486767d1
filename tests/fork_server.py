"""Runs commands of tests in hundredths of a second: forked from a process that has their libraries.

Most of the time of `dvc repro` on a small table is spent by ten processes that import torch, DVC or
MLflow. Below `forking(environment)` the commands `python -m stages…`, `linreg` and `dvc` are
tests/fork_client.py, as is what they start in turn. The client asks this server, whose fork runs
the command: a process of its own with the client's working directory, environment, open files,
umask and limits. It imports our modules anew, as `python` does, but finds the libraries imported.
Which ones, the server learns from the processes that it has forked.

A client runs the command by itself where a fork would be another process than it should be: with
variables that a library reads when it is imported, in another namespace, among several workers, or
for any other program. Tests of signals, kills, memory and workers start
their processes without it.
"""

import atexit
import contextlib
import functools
import importlib
import io
import json
import os
import resource
import runpy
import selectors
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import traceback
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from tests.fork_client import ACCEPTED

ROOT = Path(__file__).parents[1]
SHARED = "LINREG_TESTS_COMMANDS"
"""The variable with the folder of the commands of a server that several processes share."""
OWN = ("linreg", "stages", "tests", "__main__")
"""Packages that every process imports by itself, from its own folder."""
MODULES = ("stages.", "linreg", "dvc", "pytest")
READ_ANEW = "NUMBA_CACHE_DIR"
READ_AT_IMPORT = ("ARROW_", "ATEN_", "GLIBC_", "LD_", "MKL_", "NPY_", "NUMBA_", "OMP_", "OPENBLAS_")
WORKER = ("RANK", "WORKERS", "TORCHELASTIC_RUN_ID")
LIMITS = (resource.RLIMIT_AS, resource.RLIMIT_DATA, resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE)
NAMESPACES = ("mnt", "net", "pid", "user")
FIRST = (
    "linreg.process.torch_setup",
    "linreg.tracking.mlflow.sync",
    "tests.import_mlflow",
    "dvc.cli.parser",
    "dvc.repo",
)
MAX_FILES = 250
FREE_NUMBERS = 512
"""Files of a client are kept from this number on until its own numbers are free."""


def forking(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment with a PATH on which the commands are forks of a server's."""
    if sys.platform != "linux":
        # It needs /proc and file descriptors of processes.
        return dict(environment)
    folder = os.environ.get(SHARED) or start()
    return {**environment, "PATH": f"{folder}{os.pathsep}{environment['PATH']}"}


def share() -> None:
    """Start a server for the processes that this one will start."""
    if sys.platform == "linux":
        os.environ[SHARED] = str(start())


@functools.cache
def start() -> Path:
    """Start the server of this process, which ends with it; returns the folder of its commands."""
    folder = Path(tempfile.mkdtemp(prefix="linreg-tests-"))
    _write_commands(folder)
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("LINREG", "DVC"))
    }
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket"))
        listener.listen(64)
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.fork_server", str(folder), str(listener.fileno())],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            pass_fds=[listener.fileno()],
        )
    atexit.register(_stop, server, folder)
    return folder / "bin"


def _write_commands(folder: Path) -> None:
    (folder / "bin").mkdir()
    python = Path(sys.executable)
    for name in ("python", "linreg", "dvc"):
        command = [python, "-IS", ROOT / "tests/fork_client.py", folder / "socket", python]
        command += [name if name == "python" else python.with_name(name)]
        words = " ".join(f"'{word}'" for word in command)
        (folder / "bin" / name).write_text(f'#!/bin/sh\nexec {words} "$@"\n')
        (folder / "bin" / name).chmod(0o755)


def _stop(server: "subprocess.Popen[bytes]", folder: Path) -> None:
    server.kill()
    server.wait()
    shutil.rmtree(folder, ignore_errors=True)


class Server:
    """The socket, the clients, and the forks that work for them."""

    def __init__(self, folder: Path, listener: socket.socket) -> None:
        self._folder = folder
        self._listener = listener
        self._environment = dict(os.environ)
        self._clients: dict[int, socket.socket] = {}
        self._selector = selectors.DefaultSelector()

    def serve(self) -> None:
        """Import the first libraries, and then work until stdin ends."""
        # It sets what numpy reads when it is imported, and the first two what torch and MLflow do.
        importlib.import_module("linreg.process.quick_start").quick_start()
        for name in FIRST:
            importlib.import_module(name)
        self._forget_own_modules()
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._selector.register(sys.stdin, selectors.EVENT_READ, lambda: sys.exit(0))
        while True:
            for key, _ in self._selector.select():
                key.data()

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        files: list[int] = []
        try:
            length, files, *_ = socket.recv_fds(client, 4, MAX_FILES)
            request = json.loads(_receive(client, struct.unpack("i", length)[0]))
            if len(files) == len(request["files"]) and self._can_run(client, request):
                self._fork(client, request, files)
            else:
                client.close()
        except (OSError, ValueError, struct.error):
            client.close()
        for number in files:
            os.close(number)

    def _can_run(self, client: socket.socket, request: Mapping[str, Any]) -> bool:
        environment = request["environment"]
        if any(name in environment for name in WORKER):
            return False
        for name in {*environment, *self._environment}:
            # What a process of ours sets and hands on is what the other one sets too.
            usual = (self._environment.get(name), os.environ.get(name))
            is_read_now = name.startswith(READ_AT_IMPORT) and name != READ_ANEW
            if is_read_now and environment.get(name) not in usual:
                return False
        same = _circumstances(_process(client)) == _circumstances(0)
        return same and _is_known(request["command"])

    def _fork(self, client: socket.socket, request: Mapping[str, Any], files: list[int]) -> None:
        limits = {limit: resource.prlimit(_process(client), limit) for limit in LIMITS}
        client.sendall(ACCEPTED)
        sys.stdout.flush()
        sys.stderr.flush()
        child = os.fork()
        if child == 0:
            _become(request, files, limits, self._folder)
        self._clients[child] = client
        self._selector.register(client, selectors.EVENT_READ, lambda: self._pass_on(client, child))
        ended = os.pidfd_open(child)
        self._selector.register(ended, selectors.EVENT_READ, lambda: self._end(child, ended))

    def _pass_on(self, client: socket.socket, child: int) -> None:
        """Send a client's signal to its process, which does not outlive the client."""
        data = b""
        with contextlib.suppress(OSError):
            data = client.recv(1)
        if data:
            os.kill(child, data[0])
            return
        self._selector.unregister(client)
        os.kill(child, signal.SIGKILL)
        # And what it has started, unless it died before it had a group of its own.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)

    def _end(self, child: int, ended: int) -> None:
        self._selector.unregister(ended)
        os.close(ended)
        _, status = os.waitpid(child, 0)
        client = self._clients.pop(child)
        with contextlib.suppress(KeyError):
            self._selector.unregister(client)
        with contextlib.suppress(OSError):
            client.sendall(struct.pack("i", status))
        client.close()
        imported = self._folder / str(child)
        if imported.exists():
            self._import(imported.read_text().split())
            imported.unlink()

    def _import(self, modules: Sequence[str]) -> None:
        """Import libraries that a fork had to import, unless that would start a thread."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for name in modules:
                with contextlib.suppress(Exception):
                    importlib.import_module(name)
        self._forget_own_modules()
        assert threading.active_count() == 1, threading.enumerate()

    def _forget_own_modules(self) -> None:
        for name in [name for name in sys.modules if name.split(".")[0] in OWN]:
            if name not in ("__main__", "tests", "tests.fork_client"):
                del sys.modules[name]


def _process(client: socket.socket) -> int:
    """Return the number of the process at the other end."""
    credentials = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", credentials)[0])


def _receive(client: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length:
        more = client.recv(length - len(data))
        if not more:
            raise OSError("the client has ended")
        data += more
    return data


def _is_known(command: Sequence[str]) -> bool:
    """Tell whether a command is `python -m` with one of our modules, or one of our scripts."""
    match command:
        case ["-m", module, *_]:
            return module.startswith(MODULES)
        case [script, *_]:
            return Path(script).parent == Path(sys.executable).parent
    return False


def _circumstances(process: int) -> tuple[object, ...]:
    """Return what a fork has from its parent and cannot be given: the user and the namespaces."""
    folder = Path("/proc", str(process or "self"))
    namespaces = (str((folder / "ns" / name).readlink()) for name in NAMESPACES)
    return (folder.stat().st_uid, *namespaces)


def _become(
    request: Mapping[str, Any],
    files: Sequence[int],
    limits: Mapping[int, tuple[int, int]],
    folder: Path,
) -> NoReturn:
    """Become the process that a client wants; never returns into the server."""
    known = set(sys.modules)
    code = 1
    try:
        os.setsid()
        _open_files(files, request["files"])
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.environ.clear()
        os.environ.update(request["environment"])
        if "numba" in sys.modules:
            # It reads where its cache is when it is imported, or here.
            importlib.import_module("numba.core.config").reload_config()
        os.umask(request["umask"])
        for limit, values in limits.items():
            resource.setrlimit(limit, values)
        os.chdir(request["cwd"])
        sys.executable = str(folder / "bin/python")
        _run(request["command"])
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except KeyboardInterrupt:
        traceback.print_exc()
        code = -signal.SIGINT
    except BaseException:  # noqa: BLE001 - any other one ends with a traceback, as in `python`
        traceback.print_exc()
    finally:
        # What `python` does at its end.
        with contextlib.suppress(BaseException):
            threading._shutdown()  # type: ignore[attr-defined]
            atexit._run_exitfuncs()
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        with contextlib.suppress(OSError):
            new = [name for name in sys.modules if name not in known]
            libraries = [name for name in new if name.split(".")[0] not in OWN]
            (folder / str(os.getpid())).write_text("\n".join(libraries))
        if code < 0:
            signal.signal(-code, signal.SIG_DFL)
            os.kill(os.getpid(), -code)
        os._exit(code)


def _open_files(files: Sequence[int], numbers: Sequence[int]) -> None:
    """Give the client's files the numbers they have there; everything else is closed."""
    kept = [os.dup2(file, FREE_NUMBERS + index) for index, file in enumerate(files)]
    os.closerange(0, FREE_NUMBERS)
    for file, number in zip(kept, numbers, strict=True):
        os.dup2(file, number)
    os.closerange(FREE_NUMBERS, FREE_NUMBERS + len(kept))
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if number in numbers:
            stream = open(number, mode, closefd=False)  # noqa: SIM115 - for good
            setattr(sys, name, stream)
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr.reconfigure(line_buffering=True, errors="backslashreplace")


def _run(command: Sequence[str]) -> None:
    importlib.invalidate_caches()
    sys.path[1:1] = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    match command:
        case ["-m", module, *arguments]:
            sys.path[0] = os.getcwd()  # noqa: PTH109 - as `python -m` does
            sys.argv = [module, *arguments]
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        case [script, *arguments]:
            sys.path[0] = str(Path(script).parent)
            sys.argv = [script, *arguments]
            runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    Server(Path(sys.argv[1]), socket.socket(fileno=int(sys.argv[2]))).serve()
