"""What MLflow lacks because sending it has failed, as a line for the user.

A stage does not wait for MLflow, so that what goes wrong after its end is told by whatever looks
next: the next evaluation, `linreg summary`, `linreg sync`.
"""

from linreg.text import count_of
from linreg.tracking.journal.run_folder import run_folders


def describe_failed_sync() -> str:
    """Return what of all runs MLflow lacks, why, and what to do; empty if no try to send failed.

    A run that is being sent does not count, nor one that nobody has tried to send.
    """
    failed = [
        (state, folder.num_pending())
        for folder in run_folders()
        if (state := folder.sync_state()).last_error and not folder.is_synced()
    ]
    if not failed:
        return ""
    latest, _ = max(failed, key=lambda each: each[0].last_error_time)
    events = count_of(sum(num_pending for _, num_pending in failed), "event")
    return (
        f"MLflow has not received {events} of {count_of(len(failed), 'run')}: {latest.last_error};"
        " `linreg sync` sends them"
    )
