"""Starts a stage as several processes on this machine, through torchrun's launcher, and watches
over them.
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

from linreg.errors import LAUNCHER, WORKER_GONE
from linreg.process.signals import asked, hand_on
from linreg.process.torch_setup import torch  # noqa: F401 - its switches are set before the launcher imports torch
from linreg.process.workers import MEETING

if TYPE_CHECKING:
    from torch.distributed.elastic.multiprocessing.errors import ProcessFailure

SECONDS_TO_STOP = 5
ERROR_FILE = "TORCHELASTIC_ERROR_FILE"


def launch(module: str, num_workers: int) -> NoReturn:
    """Run `python -m module` as `num_workers` processes and exit as they do.

    When one of them ends badly, the others are stopped at once, and one line says what happened to
    the first.
    """
    from torch.distributed.elastic.multiprocessing.api import DefaultLogsSpecs, SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    # what the launcher has to say is said below, in one line
    logging.disable()
    os.environ[LAUNCHER] = str(os.getpid())
    os.environ.setdefault(
        "GLOO_SOCKET_IFNAME",
        "lo",
        # they are all on this machine, whatever it calls itself
    )
    private = tempfile.TemporaryDirectory(
        prefix="linreg-workers-"
        # nobody else can open what is in it
    )
    # By default torch unpickles what comes through a port that the whole network can reach: here
    # both meeting places, the launcher's and its processes', are files.
    os.environ[MEETING] = f"{private.name}/meeting"
    os.environ["TORCH_DISABLE_SHARE_RDZV_TCP_STORE"] = "1"
    config = LaunchConfig(
        logs_specs=DefaultLogsSpecs(log_dir=private.name),
        run_id=f"{module}-{os.getpid()}",
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=num_workers,
        rdzv_backend="c10d",
        rdzv_endpoint=f"{private.name}/rendezvous",
        rdzv_configs={"store_type": "file"},
        local_addr="localhost",
        max_restarts=0,
        shutdown_timeout=SECONDS_TO_STOP,
        signals_to_handle="SIGHUP,SIGQUIT",
    )
    hand_on()
    try:
        elastic_launch(config, sys.executable)("-m", module)
    except ChildFailedError as error:
        rank, first = min(
            error.failures.items(), key=lambda each: (_comes_last(each[1]), each[1].timestamp)
        )
        told = _told(Path(private.name)) if _comes_last(first) else first.error_file_data
        if told.get("exit_code") or asked():
            print(
                f"error: {told['message'] if told.get('exit_code') else 'interrupted'}",
                file=sys.stderr,
            )
            sys.exit(
                128 + asked()
                if asked()
                else 1
                if told["exit_code"] == WORKER_GONE
                else told["exit_code"]
            )
        if first.exitcode < 0:
            died = f"workers: process {rank} of {num_workers} was ended by signal {-first.exitcode}"
            print(f"error: {died}; run the stage again", file=sys.stderr)
        # else it has printed its traceback
        sys.exit(1)
    except SignalException as stopped:
        sys.exit(128 + stopped.sigval)
    sys.exit(0)


def tell_launcher(message: str, code: int) -> None:
    """Leave a message where torchrun's launcher finds it; print it too, unless the launcher is ours
    and does that.
    """
    if ERROR_FILE in os.environ:
        told = {"message": message, "exit_code": code, "timestamp": int(time.time())}
        Path(os.environ[ERROR_FILE]).write_text(json.dumps(told))
    if LAUNCHER not in os.environ:
        print(f"error: {message}", file=sys.stderr)


def _told(notes: Path) -> dict[str, Any]:
    """Return what the process had to say that failed first, though another may have ended before
    it.
    """
    found = [json.loads(file.read_text()) for file in sorted(notes.rglob("error.json"))]
    return min(
        found,
        key=lambda told: (told.get("exit_code") == WORKER_GONE, told["timestamp"]),
        default={},
    )


def _comes_last(failure: "ProcessFailure") -> int:
    """0 for a process that failed by itself, 1 for one that stopped because another did, 2 for one
    that we stopped.
    """
    told = failure.error_file_data.get("exit_code")
    if told == WORKER_GONE:
        return 1
    return 2 if told == 128 + signal.SIGTERM or failure.exitcode == -signal.SIGTERM else 0
