"""The printed command has the options that were given, in a form that the parser takes."""

import argparse
import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linreg.commands.use import add_arguments, options_of
from linreg.setup.options import UseOptions

NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp", "Zs"]), min_size=1
).filter(lambda name: "=" not in name and not name.startswith("-"))
BY_COLUMN = st.dictionaries(NAMES, st.lists(NAMES, max_size=3), max_size=2)

READING = st.fixed_dictionaries(
    {},
    optional={
        "names": st.lists(NAMES, min_size=1, max_size=3),
        "encoding": st.sampled_from(["cp1252", "utf-16"]),
        "delimiter": st.sampled_from([";", "\t", " ", "|"]),
        "skip": st.integers(0, 9),
        "comment": st.sampled_from(["#", "//"]),
        "decimal": st.sampled_from([".", ","]),
        "thousands": st.sampled_from(["", "'", " "]),
        "missing_words": st.lists(NAMES, min_size=1, max_size=3),
        "dates": st.dictionaries(NAMES, st.just("%d/%m/%Y"), min_size=1, max_size=2),
        "sheet": st.sampled_from(["Sheet 1", "été"]),
    },
)


@pytest.mark.slow
@given(
    st.builds(
        UseOptions,
        st.sampled_from([Path("t.csv"), Path("my data/a b.csv"), Path("it's.csv")]),
        reading=READING,
        target=st.none() | NAMES,
        without=st.lists(NAMES, max_size=3, unique=True),
        split_by=st.sampled_from([None, "row", "group:the patient", "time:day"]),
        missing=st.sampled_from([None, "drop", "mean", "error"]),
        levels=BY_COLUMN,
        sentinels=BY_COLUMN,
        copy=st.booleans(),
        dry_run=st.booleans(),
    )
)
def test_a_command_is_parsed_into_the_options_that_it_was_made_from(options: UseOptions) -> None:
    program, command, *words = shlex.split(options.command())
    assert (program, command) == ("linreg", "use")
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    assert options_of(parser.parse_args(words)) == options


def test_options_may_be_changed() -> None:
    options = UseOptions(Path("t.csv"), target="y", dry_run=True)
    assert options.command(dry_run=False, copy=True) == "linreg use t.csv --target y --copy"
    assert options.command() == "linreg use t.csv --target y --dry-run"
