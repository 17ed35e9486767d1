import fcntl
import itertools
import multiprocessing
import time
from pathlib import Path

import pytest

from linreg.process.lock import exclusive_lock, lock


def _hold(path: Path) -> tuple[float, float]:
    with exclusive_lock(path) as acquired:
        assert acquired
        began = time.monotonic()
        time.sleep(0.05)
        return began, time.monotonic()


def test_holders_of_an_exclusive_lock_follow_one_another(tmp_path: Path) -> None:
    with multiprocessing.get_context("fork").Pool(4) as pool:
        spans = sorted(pool.map(_hold, [tmp_path / "lock"] * 4))
    assert all(ended <= began for (_, ended), (began, _) in itertools.pairwise(spans))


def test_a_lock_that_is_held_is_not_acquired_before_the_timeout(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    waits: list[str] = []
    with exclusive_lock(path):
        for timeout in (0.0, 0.2):
            began = time.monotonic()
            with exclusive_lock(
                path, timeout=timeout, on_wait=lambda: waits.append("waiting")
            ) as acquired:
                assert not acquired
            assert timeout <= time.monotonic() - began < timeout + 5
    with exclusive_lock(path, timeout=0, on_wait=lambda: waits.append("free")) as acquired:
        assert acquired
    assert waits == ["waiting"] * 2


def test_a_lock_that_is_released_in_time_is_acquired(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with multiprocessing.get_context("fork").Pool(1) as pool:
        with exclusive_lock(path):
            other = pool.apply_async(_acquires, [path, 10.0])
            time.sleep(0.3)
            assert not other.ready()
        assert other.get(10)


def _acquires(path: Path, timeout: float) -> bool:
    with exclusive_lock(path, timeout=timeout) as acquired:
        return acquired


def test_a_lock_ends_with_the_process_that_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    process = multiprocessing.get_context("fork").Process(target=_hold_for_long, args=[path])
    process.start()
    while _acquires(path, 0):
        time.sleep(0.01)
    process.kill()
    process.join()
    assert _acquires(path, 0)


def _hold_for_long(path: Path) -> None:
    with exclusive_lock(path):
        time.sleep(60)


def test_a_shared_lock_is_shared_and_excludes_an_exclusive_one(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.touch()
    with path.open("rb") as first, path.open("rb") as second, path.open("rb") as third:
        assert lock(first.fileno(), shared=True, timeout=0)
        assert lock(second.fileno(), shared=True, timeout=0)
        assert not lock(third.fileno(), timeout=0)
        fcntl.flock(first, fcntl.LOCK_UN)
        assert not lock(third.fileno(), timeout=0)
        fcntl.flock(second, fcntl.LOCK_UN)
        assert lock(third.fileno(), timeout=0)
        assert not lock(first.fileno(), shared=True, timeout=0)


def test_a_file_that_is_locked_keeps_its_content_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.write_text("content")
    with exclusive_lock(path):
        pass
    assert path.read_text() == "content"


def test_a_lock_in_a_folder_that_does_not_exist_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), exclusive_lock(tmp_path / "none" / "lock"):
        pass
