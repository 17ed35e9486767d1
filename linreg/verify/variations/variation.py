"""Something that is varied while stages run."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

Arrangement = Callable[[Path], AbstractContextManager[Path]]
"""Has a folder lie elsewhere, or look otherwise, for the time of a block; yields where it lies."""


@dataclass(frozen=True)
class Variation:
    """A difference between two runs that must not matter.

    name         as the command line takes it, such as `locale`
    change       what becomes of what, in words
    unavailable  why it cannot be brought about here; empty where it can
    environment  variables that the commands get
    prefix       a program and its arguments that start a command
    arrange      does something with the folder of the repository
    """

    name: str
    change: str = ""
    unavailable: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    prefix: tuple[str, ...] = ()
    arrange: Arrangement | None = None


def variables_of(variations: Iterable[Variation]) -> dict[str, str]:
    """Return the environment variables of several variations."""
    return {name: value for each in variations for name, value in each.environment.items()}


def prefix_of(variations: Iterable[Variation]) -> tuple[str, ...]:
    """Return the programs of several variations, each started by the one before it."""
    return tuple(word for each in variations for word in each.prefix)


@contextmanager
def arranged(variations: Iterable[Variation], folder: Path) -> Iterator[Path]:
    """Arrange a folder for several variations, one after the other; yields where it lies then."""
    with ExitStack() as stack:
        for each in variations:
            if each.arrange is not None:
                folder = stack.enter_context(each.arrange(folder))
        yield folder
