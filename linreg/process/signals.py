"""What Ctrl-C and SIGTERM do to a stage: the first ends it in good order, a second Ctrl-C at once.

Good order is, before main() begins, to end at once, since nothing has been written yet; in main()
an exception wherever it is, so that what is half-written is cleared away; in a training the end of
the step, with its state saved.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from linreg.errors import LAUNCHER, Interrupted

SIGNALS = (signal.SIGINT, signal.SIGTERM)
GRACE = 0.2
"""Seconds in which a second signal is the same wish as the first: some schedulers tell every
process twice.
"""
Handler = Callable[[int, FrameType | None], None]

_asked = 0


def end_at_once() -> None:
    """Have a signal end this process with one line, in place of a traceback through half of the
    imports.
    """
    _on_signals(_end)


@contextmanager
def interruptible() -> Iterator[None]:
    """Have the first signal raise Interrupted in the block, and a second Ctrl-C end the process."""
    global _asked
    _asked = 0
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    heard, told = os.pipe()
    os.set_blocking(told, False)
    signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    threading.Thread(
        target=_end_at_the_second, args=(heard,), name="interrupt", daemon=True
    ).start()
    hook, sys.unraisablehook = sys.unraisablehook, _end_if_lost
    try:
        _on_signals(_raise)
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        sys.unraisablehook = hook
        signal.set_wakeup_fd(-1)
        os.close(told)


def wait_for_me() -> None:
    """Raise nothing any more: whoever calls this asks `asked` as often as the process can end well.

    Of several processes the first one decides for all. The others end when it has, or when they are
    stopped.
    """
    if signal.getsignal(signal.SIGINT) is _raise or signal.getsignal(signal.SIGTERM) is _raise:
        _on_signals(_note)
        if os.environ.get("RANK", "0") != "0":
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


def hand_on() -> None:
    """Hand signals on to the processes that this one has started, and wait for how they end."""
    _on_signals(_tell_children)


def asked() -> int:
    """Return the number of the signal that asks this process to end, 0 while none has."""
    return _asked


def _on_signals(handler: Handler) -> None:
    for number in SIGNALS:
        if (
            signal.getsignal(number) is not signal.SIG_IGN
            # as in a shell's background job, which is to go on
        ):
            signal.signal(number, handler)


def _end(number: int, _frame: FrameType | None = None) -> None:
    if os.environ.get(LAUNCHER, str(os.getpid())) == str(
        os.getpid()
        # the launcher tells it once for all
    ):
        os.write(2, b"error: interrupted\n")
    os._exit(128 + number)


def _note(number: int, _frame: FrameType | None = None) -> None:
    global _asked
    _asked = _asked or number


def _raise(number: int, _frame: FrameType | None) -> None:
    # nor does another signal disturb the clearing away
    if not _asked:
        _note(number)
        raise Interrupted(number)


def _tell_children(number: int, _frame: FrameType | None) -> None:
    """SIGTERM is handed on as Ctrl-C, since the launcher itself uses it to stop all when one has
    failed.
    """
    _note(number)
    children: list[str] = []
    # another system than Linux
    with suppress(OSError):
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    if not children:
        _end(number)
    for pid in children:
        with suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGINT)


def _end_at_the_second(heard: int) -> None:
    """Python's handlers have to wait for the end of a long product or a read; a thread has not."""
    first = 0.0
    while numbers := os.read(heard, 64):
        if not first:
            first = time.monotonic()
        elif signal.SIGINT in numbers and time.monotonic() - first > GRACE:
            _end(signal.SIGINT)
    os.close(heard)


def _end_if_lost(lost: "sys.UnraisableHookArgs") -> None:
    """End here if the exception was raised where Python passes none on, as in a finalizer."""
    if isinstance(lost.exc_value, Interrupted):
        _end(lost.exc_value.number)
    sys.__unraisablehook__(lost)
