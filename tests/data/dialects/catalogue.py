"""All dialects, by name."""

from itertools import chain

from tests.data.dialects.families import (
    data_frames,
    databases,
    instruments_and_offices,
    spreadsheets,
    statistics_programs,
)

_FAMILIES = (spreadsheets, statistics_programs, data_frames, databases, instruments_and_offices)
DIALECTS = {
    dialect.name: dialect for dialect in chain.from_iterable(each.DIALECTS for each in _FAMILIES)
}
