import itertools
import random
import re
from pathlib import Path

import numpy as np

import linreg
from linreg.seeds import generator


def purposes() -> list[str]:
    """Return the purposes that the code names, read from its source."""
    library = Path(linreg.__file__).parent
    sources = [*library.rglob("*.py"), *library.parent.glob("stages/*.py")]
    found: set[str] = set()
    for path in sources:
        text = path.read_text(encoding="utf-8")
        found.update(re.findall(r'(?:generator|RandomAssignment)\([^"()]*"(\w+)"', text))
    assert {"features", "noise", "parts", "shards", "shuffle", "rows", "start"} <= found
    return sorted(found)


def test_the_numbers_are_the_same_on_every_machine() -> None:
    # As recorded from PCG64 and numpy's ziggurat: a change of them would change all data.
    assert [x.hex() for x in generator(1, "noise", 3).standard_normal(3)] == [
        "-0x1.755f57cfcbfb7p-3",
        "-0x1.3ea24864aadf9p-1",
        "-0x1.71e963ae9f8cfp-2",
    ]
    assert generator(1, "rows").permutation(10).tolist() == [9, 7, 5, 4, 2, 3, 8, 6, 1, 0]
    assert [x.hex() for x in generator(2**63 - 1, "start").uniform(-1, 1, 2)] == [
        "-0x1.87e24cf2dcd14p-2",
        "0x1.65c9f51909810p-3",
    ]


def test_the_same_seed_purpose_and_indices_give_the_same_numbers() -> None:
    assert (generator(5, "rows", 1, 2).random(100) == generator(5, "rows", 1, 2).random(100)).all()


def test_every_seed_purpose_and_index_has_its_own_numbers() -> None:
    indices: list[tuple[int, ...]] = [
        (),
        *itertools.product(range(4)),
        *itertools.product(range(3), repeat=2),
    ]
    indices += itertools.product(range(2), repeat=3)
    keys = [
        (seed, purpose, index) for seed in range(3) for purpose in purposes() for index in indices
    ]
    streams = [generator(seed, purpose, *index).bytes(16) for seed, purpose, index in keys]
    assert len(set(streams)) == len(keys)


def test_neighbouring_streams_are_uncorrelated() -> None:
    n = 20_000
    streams = [
        generator(seed, "rows", index).standard_normal(n) for seed in range(4) for index in range(4)
    ]
    correlations = np.asarray(np.corrcoef(streams))[np.triu_indices(len(streams), k=1)]
    # Correlations of independent normals have a standard deviation of 1/√n. The largest of 120 is
    # beyond 4.5 of them with a probability of 1e-3.
    assert np.abs(correlations).max() < 4.5 / np.sqrt(n)


def test_no_global_generator_is_read_or_changed() -> None:
    before = np.random.get_state(legacy=False), random.getstate()  # noqa: NPY002
    first = generator(1, "rows").random(5)
    assert str(before) == str((np.random.get_state(legacy=False), random.getstate()))  # noqa: NPY002
    np.random.seed(12345)  # noqa: NPY002
    random.seed(12345)
    assert (generator(1, "rows").random(5) == first).all()
