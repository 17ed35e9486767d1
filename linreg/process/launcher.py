"""Starts a stage as several processes on this machine, through torchrun's launcher, and reports why
one failed.
"""

import json
import logging
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from linreg.errors import WORKER_GONE
from linreg.process.signals import LAUNCHER, forward_signals, pending_signal

# Imported before the launcher imports torch, so that torch is set up as everywhere.
from linreg.process.torch_setup import torch  # noqa: F401
from linreg.process.workers import RENDEZVOUS

if TYPE_CHECKING:
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure
    from torch.distributed.launcher.api import LaunchConfig

SECONDS_TO_STOP = 5
ERROR_FILE = "TORCHELASTIC_ERROR_FILE"


def launch(module: str, num_workers: int) -> NoReturn:
    """Run `python -m module` as `num_workers` processes and exit as they do.

    When one of them fails, the others are stopped at once, and one line says why the first failed.
    """
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import elastic_launch

    # What the launcher would log is printed below, in one line.
    logging.disable()
    os.environ[LAUNCHER] = str(os.getpid())
    # All processes are on this machine, whatever its host name resolves to.
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    # Nobody else can open what is in this folder, which is removed at exit.
    private = tempfile.TemporaryDirectory(prefix="linreg-workers-")
    # By default torch unpickles what comes through a port that the whole network can reach. Here
    # the launcher and its processes meet through files, at both places of rendezvous.
    os.environ[RENDEZVOUS] = f"{private.name}/processes"
    os.environ["TORCH_DISABLE_SHARE_RDZV_TCP_STORE"] = "1"
    config = _configuration(module, num_workers, Path(private.name))
    forward_signals()
    try:
        elastic_launch(config, sys.executable)("-m", module)
    except ChildFailedError as error:
        _exit_as_failed(error, num_workers, Path(private.name))
    except SignalException as stopped:
        sys.exit(128 + stopped.sigval)
    sys.exit(0)


def report_to_launcher(message: str, code: int) -> None:
    """Write a process's error to the file that torchrun's launcher reads, for our own to print.

    Under a torchrun that a user has started, the process prints it itself.
    """
    if ERROR_FILE in os.environ:
        report = {"message": message, "exit_code": code, "timestamp": int(time.time())}
        Path(os.environ[ERROR_FILE]).write_text(json.dumps(report))
    if LAUNCHER not in os.environ:
        print(f"error: {message}", file=sys.stderr)


def _configuration(module: str, num_workers: int, private: Path) -> "LaunchConfig":
    """Return what torchrun's launcher needs to know; it keeps its files in the folder `private`."""
    from torch.distributed.elastic.multiprocessing.api import DefaultLogsSpecs
    from torch.distributed.launcher.api import LaunchConfig

    return LaunchConfig(
        logs_specs=DefaultLogsSpecs(log_dir=str(private)),
        run_id=f"{module}-{os.getpid()}",
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=num_workers,
        rdzv_backend="c10d",
        rdzv_endpoint=f"{private}/launcher",
        rdzv_configs={"store_type": "file"},
        local_addr="localhost",
        max_restarts=0,
        shutdown_timeout=SECONDS_TO_STOP,
        signals_to_handle="SIGHUP,SIGQUIT",
    )


def _exit_as_failed(error: "ChildFailedError", num_workers: int, private: Path) -> NoReturn:
    """Print why the first process failed, unless it has done so itself, and exit with its code."""
    rank, first = min(
        error.failures.items(), key=lambda each: (_precedence(each[1]), each[1].timestamp)
    )
    report = _first_report(private) if _precedence(first) else first.error_file_data
    code = report.get("exit_code")
    if code or pending_signal():
        print(f"error: {report['message'] if code else 'interrupted'}", file=sys.stderr)
        if pending_signal():
            sys.exit(128 + pending_signal())
        sys.exit(1 if code == WORKER_GONE else code)
    # A process that raised an exception has printed its traceback.
    if first.exitcode < 0:
        what = f"process {rank} of {num_workers} was ended by signal {-first.exitcode}"
        print(f"error: workers: {what}; run the stage again", file=sys.stderr)
    sys.exit(1)


def _first_report(private: Path) -> dict[str, Any]:
    """Return the report of the process that failed first, though another may have exited before."""
    reports = [json.loads(file.read_text()) for file in sorted(private.rglob("error.json"))]
    return min(
        reports,
        key=lambda report: (report.get("exit_code") == WORKER_GONE, report["timestamp"]),
        default={},
    )


def _precedence(failure: "ProcessFailure") -> int:
    """Return 0 for a process that failed by itself, 1 because another did, 2 if it was stopped."""
    code = failure.error_file_data.get("exit_code")
    if code == WORKER_GONE:
        return 1
    stopped = code == 128 + signal.SIGTERM or failure.exitcode == -signal.SIGTERM
    return 2 if stopped else 0
