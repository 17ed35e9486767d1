import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from linreg.data.ingest.nanoseconds import NanosecondTime

nanoseconds = st.one_of(
    # Not within a day of the bounds, where pandas cannot hold every local time.
    st.integers(-(2**63) + 10**14, 2**63 - 10**14),
    st.integers(-(10**6), 10**6),
    st.integers(-(10**9), 10**9).map(lambda seconds: seconds * 10**9),
    st.integers(-(10**15), 10**15).map(lambda microseconds: microseconds * 1000),
)


@given(nanoseconds, st.sampled_from([None, "UTC", "Europe/Berlin", "+05:30"]))
def test_times_are_written_as_pandas_does(since_1970: int, zone: str | None) -> None:
    expected = str(pd.Timestamp(since_1970, tz=zone, unit="ns"))
    assert str(NanosecondTime(since_1970, zone)) == expected


@given(nanoseconds, nanoseconds)
def test_times_are_in_order(one: int, other: int) -> None:
    assert (NanosecondTime(one, None) < NanosecondTime(other, None)) == (one < other)
