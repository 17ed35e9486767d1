"""What Ctrl-C (SIGINT) and SIGTERM do to a stage: the first shuts it down gracefully.

Before main() begins nothing has been written, so that the process exits at once. In main() a signal
raises an exception, wherever the code is, and what is half-written is removed. A training defers
the signal to the end of the step and saves its state. A second Ctrl-C ends the process at once.
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

from linreg.errors import Interrupted

LAUNCHER = "LINREG_LAUNCHER"
"""Environment variable with the id of the process that started the workers and reports for them.

It is not set under a torchrun that was started by hand.
"""

SIGNALS = (signal.SIGINT, signal.SIGTERM)
SECONDS_OF_ONE_REQUEST = 0.2
"""Signals within this time are one request: some schedulers signal every process twice."""
Handler = Callable[[int, FrameType | None], None]

_pending_signal = 0


def exit_on_signal() -> None:
    """Have a signal end this process with one line instead of a traceback through its imports."""
    _install(_exit)


@contextmanager
def interruptible() -> Iterator[None]:
    """Have the first signal raise Interrupted in the block, and a second Ctrl-C end the process."""
    global _pending_signal
    _pending_signal = 0
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    threading.Thread(
        target=_exit_on_second_interrupt, args=(reader,), name="interrupt", daemon=True
    ).start()
    unraisable_hook = sys.unraisablehook
    sys.unraisablehook = _exit_if_interrupted
    try:
        _install(_raise)
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        sys.unraisablehook = unraisable_hook
        signal.set_wakeup_fd(-1)
        os.close(writer)


def defer_signals() -> None:
    """Have signals raise nothing from now on; the caller polls `pending_signal` instead.

    Of several processes the first decides for all. The others end when it has ended, or when they
    are stopped.
    """
    if signal.getsignal(signal.SIGINT) is _raise or signal.getsignal(signal.SIGTERM) is _raise:
        _install(_remember)
        if (os.environ.get("RANK") or "0") != "0":
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


def forward_signals() -> None:
    """Forward signals to the processes that this one has started, and leave the exit to them."""
    _install(_forward)


def pending_signal() -> int:
    """Return the number of the first signal that has asked this process to end, 0 if none has."""
    return _pending_signal


def _install(handler: Handler) -> None:
    for number in SIGNALS:
        # A shell has its background jobs ignore Ctrl-C, and they are to go on doing so.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)


def _exit(number: int, _frame: FrameType | None = None) -> None:
    # Where a launcher has started this process, it prints the line, once for all processes.
    if os.environ.get(LAUNCHER, str(os.getpid())) == str(os.getpid()):
        os.write(2, b"error: interrupted\n")
    os._exit(128 + number)


def _remember(number: int, _frame: FrameType | None = None) -> None:
    global _pending_signal
    _pending_signal = _pending_signal or number


def _raise(number: int, _frame: FrameType | None) -> None:
    # A further signal must not disturb the cleaning up.
    if not _pending_signal:
        _remember(number)
        raise Interrupted(number)


def _forward(number: int, _frame: FrameType | None) -> None:
    """Send SIGINT to the children, for SIGTERM too, which the launcher uses when one has failed."""
    _remember(number)
    children: list[str] = []
    # Only Linux has this file.
    with suppress(OSError):
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    if not children:
        _exit(number)
    for pid in children:
        with suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGINT)


def _exit_on_second_interrupt(reader: int) -> None:
    """Watch for a second Ctrl-C in a thread, which need not wait for compiled code to return.

    Python's own handlers run only between two bytecodes, after a long product or a read has ended.
    """
    first = 0.0
    while numbers := os.read(reader, 64):
        if not first:
            first = time.monotonic()
        elif signal.SIGINT in numbers and time.monotonic() - first > SECONDS_OF_ONE_REQUEST:
            _exit(signal.SIGINT)
    os.close(reader)


def _exit_if_interrupted(unraisable: "sys.UnraisableHookArgs") -> None:
    """Exit where Python cannot propagate the exception, as in a finalizer."""
    if isinstance(unraisable.exc_value, Interrupted):
        _exit(unraisable.exc_value.number)
    sys.__unraisablehook__(unraisable)
