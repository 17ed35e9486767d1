"""Broken and odd texts of params.yaml, with what has to become of them."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

RIGHT = "taken"
"""The file says what its values are."""
MARKER = "executed"
"""What a text that is executed would leave in the folder."""


def laughs(before: str, after: str, between: str = ", ", lines: int = 40) -> str:
    """Lines each of which names the line before it nine times."""
    names = [between.join([f"*a{i - 1}"] * 9) for i in range(1, lines)]
    return "a0: &a0 {k: 1}\n" + "\n".join(
        f"a{i}: &a{i} {before}{each}{after}" for i, each in enumerate(names, 1)
    )


NOT_PLAIN = "params.yaml: holds a value that is not a number, text, list or section"
BOMB = "params.yaml: expands to more than 100000 values by its aliases"
TEXTS: Mapping[str, tuple[str | bytes, str]] = {
    # of a few lines that spell out to more than fits into memory
    "lists of lists": (laughs("[", "]"), BOMB),
    "sections of sections": (
        laughs("{a: ", "}", ", b: ", 3) + "\n" + laughs("[", "]").replace("a", "b"),
        BOMB,
    ),
    "merged sections": (laughs("{<<: [", "], a: 1}"), BOMB),
    "in a known key": (laughs("[", "]") + "\ngenerate: {theta: *a39}", BOMB),
    "a list in itself": ("train: &a [*a]", BOMB),
    "a section in itself": ("train: &a {lr: *a}", BOMB),
    # nested or long beyond measure
    "deep lists": ("[" * 100_000, NOT_PLAIN),
    "deep lists, closed": ("train: " + "[" * 3000 + "]" * 3000, NOT_PLAIN),
    "deep sections": ("a: " + "{a: " * 20_000, NOT_PLAIN),
    "deep blocks": ("\n".join(" " * i + "a:" for i in range(2000)), NOT_PLAIN),
    "deep dashes": ("- " * 50_000, NOT_PLAIN),
    "many unknown keys": (
        "train:\n" + "".join(f"  k{i}: 1\n" for i in range(3000)),
        "params.yaml: train.k0: is not a par",
    ),
    "many anchors": (
        "".join(f"k{i}: &x{i} 1\n" for i in range(3000)),
        "params.yaml: k0: is not a parameter",
    ),
    "a long key": ("k" * 2000 + ": 1", "params.yaml: line 1: is not valid YAML"),
    "a long text": (
        "model: {formula: '" + "x" * 1_000_000 + "'}",
        "params.yaml: model.formula: must name its terms",
    ),
    "1e400": ("train: {lr: 1e400}", "params.yaml: train.lr: should be a finite number"),
    "10**5000": ("train: {epochs: 1" + "0" * 5000 + "}", NOT_PLAIN),
    "10**4000": (
        "train: {epochs: 1" + "0" * 4000 + "}",
        "params.yaml: train.epochs: should be less than or equal to 1000000000",
    ),
    "10**30": (
        "generate: {rows: 1" + "0" * 30 + "}",
        "params.yaml: generate.rows: should be less than or equal to 10000000000",
    ),
    "a hexadecimal number": ("train: {epochs: 0x" + "f" * 100_000 + "}", NOT_PLAIN),
    # how it is written
    "a tab": (
        "train:\n\tlr: 1",
        "params.yaml: line 2: is not valid YAML; found character '\\t' that cannot start",
    ),
    "Latin-1": ("model: {formula: é}".encode("latin-1"), NOT_PLAIN),
    "UTF-16": ("train: {lr: 1}".encode("utf-16"), NOT_PLAIN),
    "a NUL": (
        "train: {lr: 1}\0",
        "params.yaml: line 1: is not valid YAML; found the character '\\x00'",
    ),
    "a bell": (
        "model: {formula: 'a\x07'}",
        "params.yaml: line 1: is not valid YAML; found the character '\\x07'",
    ),
    "an escape": (
        'model: {formula: "y \\e[31m"}',
        "params.yaml: model.formula: is not a formula (unexpected character '\\x1b'); found y \\x1b[31m;",
    ),
    "half a pair": ('model: {formula: "\\ud800 ~ x"}', NOT_PLAIN),
    "two documents": (
        "train: {lr: 1}\n---\ntrain: {lr: 2}\n",
        "params.yaml: line 2: is not valid YAML",
    ),
    "a list": ("[1, 2]", "params.yaml: should be a section"),
    "a number": ("7", "params.yaml: should be a section"),
    "twice": (
        "train: {lr: 1}\ntrain: {lr: 2}",
        'params.yaml: line 2: is not valid YAML; found duplicate key "train"',
    ),
    "not closed": ("train: {lr: 1", "params.yaml: line 1: is not valid YAML"),
    "no such anchor": (
        "train: *x",
        "params.yaml: line 1: is not valid YAML; found undefined alias 'x'",
    ),
    "an unhashable key": ("? {a: 1}\n: 2\n", "params.yaml: line 1: is not valid YAML"),
    "a list as a key": ("? [a, b]\n: 3\n", NOT_PLAIN),
    "an empty key": ('"": 3', "params.yaml: : is not a parameter"),
    # tags
    "a Python call": (
        f"train: !!python/object/apply:os.system ['touch {MARKER}']",
        "params.yaml: line 1: is not valid YAML",
    ),
    "a Python call in a key": (
        f"train: {{lr: !!python/object/new:os.system ['touch {MARKER}']}}",
        "params.yaml: line 1: is not",
    ),
    "a Python name": (
        "train: !!python/name:os.system {}",
        "params.yaml: line 1: is not valid YAML",
    ),
    "a tag of one's own": ("train: {lr: !mine 3}", "params.yaml: line 1: is not valid YAML"),
    "binary": ("ingest: {source: !!binary aGVsbG8=}", NOT_PLAIN),
    "a set": ("train: !!set {lr}", NOT_PLAIN),
    "no bool": ("train: {standardize: !!bool maybe}", NOT_PLAIN),
    "no int": ("train: {epochs: !!int ''}", NOT_PLAIN),
    "no float": ("train: {lr: !!float foo}", NOT_PLAIN),
    "no time": ("ingest: {source: !!timestamp x}", "params.yaml: line 1: is not"),
    "another YAML": ("%YAML 9.9\n---\ntrain: {lr: 0.1}", "params.yaml: line 1: is not valid YAML"),
    # values that YAML makes something else of
    "yes": (
        "train: {standardize: yes}",
        "params.yaml: train.standardize: is called train.scale now; found yes; "
        "write scale: standardize or none",
    ),
    "a date": ("ingest: {source: 2024-01-01}", NOT_PLAIN),
    "no date": ("ingest: {source: 2024-99-99}", NOT_PLAIN),
    "sexagesimal": (
        "train: {epochs: 1:30}",
        "params.yaml: train.epochs: should be a valid integer; found '1:30'",
    ),
    "not a number": ("train: {lr: .nan}", "params.yaml: train.lr: should be a finite number"),
    "infinite": (
        "generate: {theta: [-.inf]}",
        "params.yaml: generate.theta.0: should be a finite number",
    ),
    "nothing": (
        "train: {epochs: }",
        "params.yaml: train.epochs: should be a valid integer; found None",
    ),
    # Python where a name is meant
    **{
        f"Python in {key}: {text}": (f"{section}: {{{key}: {json.dumps(text)}}}", "")
        for code in (
            f"__import__('os').system('touch {MARKER}')",
            f"open('{MARKER}', 'w')",
            f"$(touch {MARKER})",
            f"`touch {MARKER}`",
        )
        for section, key, text in (
            ("model", "formula", f"y ~ {code}"),
            ("model", "formula", f"y ~ I({code})"),
            ("model", "formula", f"y ~ C(x, {code})"),
            ("model", "formula", f"{code} ~ x"),
            ("model", "formula", f"y ~ {{{code}}}"),
            ("ingest", "source", code),
            ("model", "weights", code),
            ("split", "by", f"group:{code}"),
            ("split", "by", f"time:{code}"),
        )
    },
    # right, however it looks
    "a byte order mark": ("\ufefftrain: {epochs: 7}", RIGHT),
    "an anchor again": ("generate: {bias: &n 3, noise: &n 4}\ntrain: {epochs: *n}", RIGHT),
    "YAML 1.1": ("%YAML 1.1\n---\ntrain: {epochs: 010}", RIGHT),
    "CRLF": ("train:\r\n  epochs: 7\r\n", RIGHT),
    "empty": ("", RIGHT),
    "comments": ("# nothing\n", RIGHT),
    "an octal number": ("train: {epochs: 0o10}", RIGHT),
    "underscores": ("train: {epochs: 1_000}", RIGHT),
    "lines in a text": ('model: {formula: "y ~\\n x"}', RIGHT),
    "an ordered section": ("train: !!omap [epochs: 7]", RIGHT),
}

WRONG: tuple[Any, ...] = (
    None,
    True,
    3,
    -1,
    0,
    0.5,
    -0.5,
    1e308,
    2**64,
    "x",
    "",
    "1",
    [],
    [1],
    {},
    {"a": 1},
    "a\nb",
)
"""Values of every type, put in the place of every key: many are of another type, or out of
range.
"""


def of_every_key(defaults: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str, Any]]:
    """Yield section, key and value for every key and every value in WRONG."""
    for section, keys in defaults.items():
        for key in keys:
            for value in WRONG:
                yield section, key, value
