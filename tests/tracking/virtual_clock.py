"""A clock for what waits for seconds: a sleep takes no time, and things happen at set times."""

from collections.abc import Callable


class Clock:
    """Stands in for the module `time`; begins at 0."""

    def __init__(self) -> None:
        self.now = 0.0
        self._actions: list[tuple[float, Callable[[], object]]] = []
        self._num_looks = 0
        self.on_sleep: Callable[[], object] = lambda: None

    def at(self, seconds: float, action: Callable[[], object]) -> None:
        """Have something happen during the sleep that ends at that time or later."""
        self._actions.append((seconds, action))

    def monotonic(self) -> float:
        self._num_looks += 1
        assert self._num_looks < 100_000, f"nothing sleeps any more at {self.now}"
        return self.now

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        # Rounded, so that ten sleeps of 0.1 are a second.
        self.now = round(self.now + seconds, 6)
        assert self.now < 1000, "waits for ever"
        due = [each for each in self._actions if each[0] <= self.now]
        self._actions = [each for each in self._actions if each[0] > self.now]
        for _, action in due:
            action()
        self.on_sleep()
