"""Stands in for `python`, `linreg` and `dvc` in tests: has tests/fork_server.py run the command.

    python -IS fork_client.py SERVER PYTHON NAME [ARGUMENT ...]

SERVER  the socket of the server
PYTHON  the interpreter that runs the command where the server cannot
NAME    python, or the path of a script that PYTHON runs

It starts in 15 ms, since it imports nothing but what is here. It passes on its open files and the
signals it gets, and ends as the command has ended.
"""

import contextlib
import json
import os
import signal
import socket
import struct
import sys
from typing import Any, NoReturn

SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)
ACCEPTED = b"y"


def main() -> None:
    """Ask the server, and end as the command it runs; without a server, become that command."""
    address, python, name, *arguments = sys.argv[1:]
    command = arguments if name == "python" else [name, *arguments]
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as server:
        server.connect(address)
        _send(server, command)
        if server.recv(1) == ACCEPTED:
            _wait(server)
    os.execv(python, [python, *command])  # noqa: S606 - no shell


def _send(server: socket.socket, command: list[str]) -> None:
    mask = os.umask(0o022)
    os.umask(mask)
    open_files = os.listdir("/proc/self/fd")  # noqa: PTH208 - pathlib takes as long as the rest
    files = [number for number in map(int, open_files) if _is_inherited(number)]
    cwd = os.getcwd()  # noqa: PTH109
    request: dict[str, Any] = {"command": command, "cwd": cwd, "umask": mask}
    request |= {"environment": dict(os.environ), "files": files}
    message = json.dumps(request).encode()
    socket.send_fds(server, [struct.pack("i", len(message))], files)
    server.sendall(message)


def _is_inherited(number: int) -> bool:
    """Tell whether a file is open and was so when this process began."""
    try:
        return os.get_inheritable(number)
    except OSError:
        return False


def _wait(server: socket.socket) -> NoReturn:
    for number in SIGNALS:
        signal.signal(number, lambda number, _: server.sendall(bytes([number])))
    data = server.recv(4)
    if len(data) < 4:
        sys.exit("the fork server has ended")
    code = os.waitstatus_to_exitcode(struct.unpack("i", data)[0])
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


if __name__ == "__main__":
    main()
