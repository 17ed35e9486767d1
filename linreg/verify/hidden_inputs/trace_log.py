"""What a command and the processes that it started did with files, by the log of strace.

The log has a line for each system call, `PID NAME(ARGUMENTS) = RESULT`. A call during which another
process was scheduled stands on two lines, `NAME(… <unfinished ...>` and `<... NAME resumed>…`. With
`-y`, a file descriptor is followed by its path, in angle brackets.
"""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum

_LINE = re.compile(r"(?P<pid>\d+) +(?P<call>.*)")
_CALL = re.compile(r"(?P<name>\w+)\((?P<arguments>.*)\) += (?P<result>-?\w+)(?P<rest>.*)")
_RESUMED = re.compile(r"<\.\.\. \w+ resumed>(?P<rest>.*)")
_UNFINISHED = " <unfinished ...>"
_TEXT = re.compile(r'"(?P<text>(?:[^"\\]|\\.)*)"')
_FOLDER = re.compile(r"(?:AT_FDCWD|\d+)<(?P<path>(?:[^<>\\]|\\.)*)>")
_HERE = re.compile(r"AT_FDCWD<(?P<path>(?:[^<>\\]|\\.)*)>")
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|.)", re.DOTALL)
_LETTERS = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"v": b"\v", b"f": b"\f"}

_OPEN = frozenset({"open", "openat", "openat2", "creat"})
_LOOK = frozenset(
    {"stat", "lstat", "stat64", "lstat64", "newfstatat", "fstatat64", "statx", "getxattr"}
    | {"access", "faccessat", "faccessat2", "readlink", "readlinkat", "execve", "execveat"}
)
_EXECUTE = frozenset({"execve", "execveat"})
_WRITE = frozenset(
    {"mkdir", "mkdirat", "mknod", "mknodat", "unlink", "unlinkat", "rmdir", "truncate"}
)
_TO_SECOND_PATH = frozenset(
    {"rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat"}
)
_START = frozenset({"fork", "vfork", "clone", "clone3"})
CALLS = "%file,getdents,getdents64,fchdir,fork,vfork,clone,clone3"
"""The system calls that are read here, as strace's -e trace= takes them."""


class Action(Enum):
    """What a process did with a path."""

    READ = "opened"
    LOOKED_FOR = "looked for"
    """Asked whether it is there, or its size or time; with success."""
    MISSED = "looked for in vain"
    LISTED = "listed"
    WRITTEN = "written"
    """Made, emptied or removed, so that nothing that it held before counts."""


@dataclass(frozen=True)
class FileAction:
    """A path, absolute and without `..`, as the process named it; links in it are not resolved.

    resolved  of an opened file, the path that its links lead to; else the same
    program   the path of the program that did it; empty where it is not known
    """

    action: Action
    path: str
    resolved: str
    program: str = ""


@dataclass
class _Call:
    name: str
    arguments: str
    result: str
    rest: str

    @property
    def succeeded(self) -> bool:
        return not self.result.startswith("-")

    @property
    def found_nothing(self) -> bool:
        return "ENOENT" in self.rest or "ENOTDIR" in self.rest


@dataclass
class _Process:
    folder: str
    program: str = ""


class _Processes:
    """The working directory and the program of each process."""

    def __init__(self, folder: str) -> None:
        self._first = _Process(folder)
        self._known: dict[str, _Process] = {}
        self._starting: list[str] = []

    def begins_to_start_another(self, pid: str) -> None:
        self._starting.append(pid)

    def has_started(self, pid: str, child: str) -> None:
        if pid in self._starting:
            self._starting.remove(pid)
        self._known.setdefault(child, replace(self[pid]))

    def __getitem__(self, pid: str) -> _Process:
        if pid not in self._known:
            # A child's first lines may stand before the one on which its parent's call ends.
            parent = self._starting[-1] if self._starting else None
            self._known[pid] = replace(self._known.get(parent or "", self._first))
        return self._known[pid]


def read_trace(lines: Iterable[str], folder: str) -> Iterator[FileAction]:
    """Yield what happened, in order; `folder` is the one in which the command was started."""
    processes = _Processes(folder)
    unfinished: dict[str, str] = {}
    for line in lines:
        if not (parts := _LINE.match(line.rstrip("\n"))):
            continue
        pid, text = parts["pid"], parts["call"]
        if text.endswith(_UNFINISHED):
            unfinished[pid] = text.removesuffix(_UNFINISHED)
            if text.partition("(")[0] in _START:
                processes.begins_to_start_another(pid)
            continue
        if resumed := _RESUMED.match(text):
            text = unfinished.pop(pid, "") + resumed["rest"]
        if found := _CALL.match(text):
            call = _Call(*found.group("name", "arguments", "result", "rest"))
            for each in _actions(call, pid, processes):
                yield replace(each, program=processes[pid].program)


def _actions(call: _Call, pid: str, processes: _Processes) -> Iterator[FileAction]:
    """Yield what a call did with files; follow processes and their working directories."""
    if call.name in _START:
        if call.succeeded and call.result != "0":
            processes.has_started(pid, call.result)
        return
    if call.name in ("getdents", "getdents64"):
        if call.result not in ("0", "-1") and (listed := _FOLDER.match(call.arguments)):
            yield _action(Action.LISTED, _plain(listed["path"]))
        return
    if call.name == "fchdir":
        if call.succeeded and (to := _FOLDER.match(call.arguments)):
            processes[pid].folder = _plain(to["path"])
        return
    if here := _HERE.match(call.arguments):
        processes[pid].folder = _plain(here["path"])
    paths = list(_paths(call.arguments, processes[pid].folder))
    if not paths:
        return
    if call.found_nothing:
        yield _action(Action.MISSED, paths[0])
    elif not call.succeeded:
        return
    elif call.name == "chdir":
        processes[pid].folder = paths[0]
    elif call.name in _OPEN:
        yield _of_open(call, paths[0])
    elif call.name in _LOOK:
        if call.name in _EXECUTE:
            processes[pid].program = paths[0]
        yield _action(Action.LOOKED_FOR, paths[0])
    elif call.name in _WRITE:
        yield _action(Action.WRITTEN, paths[0])
    elif call.name in _TO_SECOND_PATH:
        if "symlink" not in call.name:
            yield _action(Action.READ, paths[0])
        yield _action(Action.WRITTEN, paths[-1])


def _of_open(call: _Call, path: str) -> FileAction:
    target = _FOLDER.match(call.result + call.rest)
    resolved = _plain(target["path"]) if target else path
    emptied = "O_TRUNC" in call.arguments or "O_EXCL" in call.arguments or call.name == "creat"
    return FileAction(Action.WRITTEN if emptied else Action.READ, path, resolved)


def _action(action: Action, path: str) -> FileAction:
    return FileAction(action, path, path)


def _paths(arguments: str, folder: str) -> Iterator[str]:
    """Yield the paths among a call's arguments, each relative to the folder before it, if any."""
    base = folder
    position = 0
    while position < len(arguments):
        if found := _FOLDER.match(arguments, position):
            base = _plain(found["path"])
        elif found := _TEXT.match(arguments, position):
            # An empty one means the file descriptor before it.
            if found["text"]:
                yield os.path.normpath(os.path.join(base, _plain(found["text"])))
            base = folder
        elif arguments[position] in "[{":
            # The arguments of a program, or a struct with the result.
            return
        position = found.end() if found else position + 1


def _plain(text: str) -> str:
    """Return a path without strace's escapes, which are those of C."""

    def byte(match: re.Match[bytes]) -> bytes:
        code = match[1]
        if code[:1] in b"01234567":
            return bytes([int(code, 8)])
        return _LETTERS.get(code, code)

    return os.fsdecode(_ESCAPE.sub(byte, os.fsencode(text)))
