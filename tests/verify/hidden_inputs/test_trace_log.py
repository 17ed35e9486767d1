"""Logs of strace are read: lines as strace prints them, and those of a real process."""

import subprocess
import sys
from pathlib import Path

import pytest

from linreg.verify.hidden_inputs.trace import Trace, why_not_traced
from linreg.verify.hidden_inputs.trace_log import Action, FileAction, read_trace


def actions(*lines: str, folder: str = "/repo") -> list[tuple[Action, str]]:
    return [(each.action, each.path) for each in read_trace(lines, folder)]


def test_an_opened_file_has_the_path_that_its_links_lead_to() -> None:
    line = '7 openat(AT_FDCWD</repo>, "now.csv", O_RDONLY|O_CLOEXEC) = 3</data/v3.csv>'
    assert list(read_trace([line], "/elsewhere")) == [
        FileAction(Action.READ, "/repo/now.csv", "/data/v3.csv")
    ]


def test_a_call_on_two_lines_is_one() -> None:
    assert actions(
        '7 openat(AT_FDCWD</repo>, "a", O_RDONLY <unfinished ...>',
        '8 openat(AT_FDCWD</repo>, "b", O_RDONLY) = -1 ENOENT (No such file or directory)',
        "7 <... openat resumed>) = 3</repo/a>",
    ) == [(Action.MISSED, "/repo/b"), (Action.READ, "/repo/a")]


def test_a_path_is_relative_to_the_folder_of_the_process_or_of_the_call() -> None:
    assert actions(
        '7 access("a", R_OK) = 0',
        '7 chdir("inner") = 0',
        '7 access("a", R_OK) = 0',
        "7 clone(child_stack=NULL, flags=SIGCHLD <unfinished ...>",
        '8 access("../b", R_OK) = 0',
        "7 <... clone resumed>) = 8",
        "8 fchdir(5</other>) = 0",
        '8 access("a", R_OK) = 0',
        '7 newfstatat(4</third>, "a", {st_mode=S_IFREG|0644, st_size=5, ...}, 0) = 0',
        '7 newfstatat(4</third/f>, "", {st_mode=S_IFREG|0644, ...}, AT_EMPTY_PATH) = 0',
    ) == [
        (Action.LOOKED_FOR, path)
        for path in ("/repo/a", "/repo/inner/a", "/repo/b", "/other/a", "/third/a")
    ]


def test_what_a_process_makes_empties_moves_or_removes_is_written() -> None:
    assert actions(
        '7 openat(AT_FDCWD</repo>, "a", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 3</repo/a>',
        '7 mkdir("d", 0777) = 0',
        '7 rename("a", "d/b") = 0',
        '7 symlink("d/b", "link") = 0',
        '7 unlink("link") = 0',
        '7 openat(AT_FDCWD</repo>, "log", O_WRONLY|O_CREAT|O_APPEND, 0666) = 3</repo/log>',
    ) == [
        (Action.WRITTEN, "/repo/a"),
        (Action.WRITTEN, "/repo/d"),
        (Action.READ, "/repo/a"),
        (Action.WRITTEN, "/repo/d/b"),
        (Action.WRITTEN, "/repo/link"),
        (Action.WRITTEN, "/repo/link"),
        # It may add to what is there.
        (Action.READ, "/repo/log"),
    ]


def test_a_folder_is_listed_where_it_has_entries() -> None:
    assert actions(
        "7 getdents64(3</repo/in>, 0x55 /* 4 entries */, 32768) = 112",
        "7 getdents64(3</repo/in>, 0x55 /* 0 entries */, 32768) = 0",
    ) == [(Action.LISTED, "/repo/in")]


def test_escapes_are_those_of_c() -> None:
    line = r'7 access("gr\303\266\303\237e \"x\"\n\\", R_OK) = 0'
    assert actions(line) == [(Action.LOOKED_FOR, '/repo/größe "x"\n\\')]


def test_what_was_refused_or_no_link_is_no_action() -> None:
    assert (
        actions(
            '7 openat(AT_FDCWD</repo>, "a", O_RDONLY) = -1 EACCES (Permission denied)',
            '7 readlink("b", 0x7ffe, 4096) = -1 EINVAL (Invalid argument)',
            "7 exit_group(0) = ?",
            "7 +++ exited with 0 +++",
        )
        == []
    )


def test_the_program_is_that_of_the_process_or_of_its_parent() -> None:
    found = read_trace(
        [
            '7 execve("/usr/bin/git", ["git", "status"], 0x7ff /* 20 vars */) = 0',
            "7 vfork( <unfinished ...>",
            '8 access("a", R_OK) = 0',
            "7 <... vfork resumed>) = 8",
            '8 execve("/bin/cat", ["cat"], 0x7ff /* 20 vars */) = 0',
            '8 access("b", R_OK) = 0',
        ],
        "/repo",
    )
    assert [(each.path, each.program) for each in found][1:] == [
        ("/repo/a", "/usr/bin/git"),
        ("/bin/cat", "/bin/cat"),
        ("/repo/b", "/bin/cat"),
    ]


def test_each_file_that_a_process_and_its_children_open_is_found(tmp_path: Path) -> None:
    if why_not_traced():
        pytest.skip(why_not_traced())
    names = [f"file {i} ä\n" for i in range(20)]
    for name in names:
        (tmp_path / name).write_text(name)
    program = (
        "import os, subprocess, sys, threading\n"
        "names = sorted(n for n in os.listdir('.') if n.startswith('file'))\n"
        "for n in names[:5]: open(n).close()\n"
        "threads = [threading.Thread(target=lambda n=n: open(n).close()) for n in names[5:10]]\n"
        "for t in threads: t.start()\n"
        "for t in threads: t.join()\n"
        "subprocess.run(['cat', *names[10:15]], stdout=subprocess.DEVNULL)\n"
        "os.chdir('/')\n"
        "for n in names[15:]: open(os.path.join(sys.argv[1], n)).close()\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with Trace(scratch) as trace:
        subprocess.run([*trace.prefix, *command], cwd=tmp_path, check=True)
        found = {each.path for each in trace.actions(str(tmp_path)) if each.action is Action.READ}
    assert {str(tmp_path / name) for name in names} <= found
