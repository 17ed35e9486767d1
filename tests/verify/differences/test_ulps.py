from typing import Any

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from linreg.verify.differences.difference import Difference
from linreg.verify.differences.ulps import ulp_distance

TYPES: list[Any] = [np.float64, np.float32, np.float16]
FLOATS = st.sampled_from(TYPES).flatmap(
    lambda type_: st.floats(width=np.dtype(type_).itemsize * 8, allow_nan=False).map(type_)
)


def walked(start: Any, steps: int, towards: float) -> Any:
    with np.errstate(over="ignore", under="ignore"):
        for _ in range(steps):
            start = np.nextafter(start, type(start)(towards))
    return start


@given(FLOATS, st.integers(0, 40), st.sampled_from([-np.inf, np.inf]))
@example(np.float32(0.0), 3, -np.inf)
@example(np.float64(-0.0), 1, np.inf)
@example(np.float64(5e-324), 2, -np.inf)
@example(np.float32(np.finfo(np.float32).max), 1, np.inf)
@example(np.float16(-np.inf), 40, np.inf)
def test_ulps_are_the_steps_that_nextafter_takes(start: Any, steps: int, towards: float) -> None:
    end = walked(start, steps, towards)
    taken = (
        steps
        if np.isfinite(end)
        else next(n for n in range(steps + 1) if walked(start, n, towards) == end)
    )
    assert ulp_distance(start, end) == ulp_distance(end, start) == taken


def test_nan_and_two_types_have_no_distance_and_a_python_float_is_a_float64() -> None:
    assert ulp_distance(np.nan, 1.0) is None
    assert ulp_distance(np.float32(1), np.float64(1)) is None
    assert ulp_distance(1.0, np.nextafter(1.0, 2.0)) == 1
    assert ulp_distance(-1.0, 1.0) == 2 * ulp_distance(0.0, 1.0)  # type: ignore[operator]


def test_numbers_of_a_text_that_come_from_float32_are_also_counted_in_its_steps() -> None:
    a, b = np.float32(1.9971932), np.nextafter(np.float32(1.9971932), np.float32(0))
    words = f"model.json: theta.x1: {float(a)} became {float(b)} (536870912 ulps, 1 ulp of float32)"
    assert str(Difference.between("model.json", "theta.x1", float(a), float(b))) == words
    assert (
        str(Difference.between("t.parquet", "y", a, b))
        == f"t.parquet: y: {a!s} became {b!s} (1 ulp)"
    )
    assert str(Difference.between("a.json", "a", 0.1, 0.1 + 2**-30)).endswith(" ulps)")
