"""Formulas that try to be more than a formula, drawn from a seed, and a process that reads them
under supervision.

    python -m tests.faults.inputs.hostile_formulas SEED COUNT MARKER

Prints as JSON what became of them, and every act of Python's that an audit hook has seen meanwhile:
code executed, files opened, modules imported, processes and sockets. None of them is what reading a
formula takes.
"""

import json
import random
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterator

import numpy as np

NAMES = ["y", "x", "z", "g", "a name", "__import__('os')", "x.real", "b"]
CATEGORIES = frozenset({"g"})
HARMLESS = {"compile", "builtins.id", "sys._getframe", "object.__getattr__"}
"""Parsing into a tree is `compile` to the hook; a tree that is executed is `exec`."""

CALLS = [
    "__import__('os').system('touch MARKER')",
    "open('MARKER', 'w')",
    'eval(\'open("MARKER", "w")\')',
    "exec('import os')",
    "compile('1', 'a', 'eval')",
    "globals()",
    "breakpoint()",
    "input()",
    "exit()",
    "print(x)",
    "getattr(x, '__class__')",
    "().__class__.__base__.__subclasses__()[0]",
    "x.__class__",
    "x.tofile('MARKER')",
    "np.fromfile('/etc/passwd')",
    "pd.read_pickle('MARKER')",
    "pickle.loads(b'cos\\nsystem\\n(S\"id\"\\ntR.')",
    "(lambda: open('MARKER', 'w'))()",
    "[open('MARKER', 'w') for i in x]",
    "{i: open(i) for i in ['MARKER']}",
    "(w := open('MARKER', 'w'))",
    'f\'{open("MARKER", "w")}\'',
    "x if open('MARKER', 'w') else z",
    "x[0]",
    "x[:, 1]",
    "*x",
    "**x",
    "await x",
    "yield x",
    "x @ z",
    "x // z",
    "x % z",
    "~x",
    "not x",
    "x and z",
    "x < z",
    "1j",
    "x == z",
    "b'x'",
    "...",
    "None",
    "True",
    "'a'",
    "{}",
    "{1: [2]}",
    "{[1]: 2}",
    "set()",
    "x; import os",
    "1 if x",
    "import os",
    "del x",
    "x = 1",
    "\\d",
    "'\\ud800'",
    "\x1b[31m",
    "\u202e",
    "\0",
    "\n",
    "\r",
    "%in%",
    "%s",
    "${x}",
    "$(id)",
    "#",
]
NUMBERS = [
    "0",
    "1",
    "2",
    "-1",
    "1e999",
    "-1e400",
    "1e-400",
    "10**10**10",
    "9" * 5000,
    "0x1F",
    "1_0",
    ".5",
    "١",
]
COLUMNS = [
    "x",
    "z",
    "g",
    "`a name`",
    "`__import__('os')`",
    "x.real",
    "b",
    ".",
    "nowhere",
    "__builtins__",
    "_quoted0",
]
WRAPPERS = [
    "{%}",
    "I(%)",
    "C(%)",
    "C(x, %)",
    "C(%, 'a')",
    "`%`",
    "Q('%')",
    "Q(%)",
    "log(%)",
    "exp(%)",
    "sqrt(%)",
    "abs(%)",
    "log10(%)",
    "bs(%, df=4)",
    "poly(%, 3)",
    "scale(%)",
    "hashed(%)",
    "(%)",
    "[%]",
    "(%)**2",
    "%**3",
    "%**20",
    "x**%",
    "-%",
    "+%",
    "np.log(%)",
    "eval(%)",
    "{'%'}",
    '{"%"}',
    "{f'{%}'}",
    "{(%)}",
    "{{%}}",
    "I(I(%))",
    "C(C(%))",
    "%:x",
    "{lambda x: %}",
    "{Q(%)}",
    "poly(x, %)",
    "np.log(x, %)",
]
OPERATORS = [
    " + ",
    " - ",
    ":",
    "*",
    "/",
    "**",
    "^",
    " %in% ",
    " | ",
    " ~ ",
    "+-",
    ", ",
    "\\",
    "==",
    ";",
    " ",
]


def formulas(seed: int, count: int) -> Iterator[str]:
    """Yield formulas: some that are long or deep, then payloads in each place where one may stand,
    then mixtures.
    """
    chance = random.Random(seed)
    yield from _extreme()
    for call in CALLS:
        for wrapper in WRAPPERS:
            part = wrapper.replace("%", call)
            yield from (f"y ~ {part}", f"{part} ~ x")
    for _ in range(count):
        text = _side(chance, 0) if chance.random() < 0.2 else "y"
        text += chance.choice([" ~ "] * 8 + ["~", " ~ ~ ", ""]) + _side(chance, 0)
        if chance.random() < 0.2:  # a sign too many, too few, or another
            place = chance.randrange(len(text) + 1)
            text = (
                text[:place]
                + chance.choice(["", "`", "(", ")", "{", "}", "'", '"', "[", "\\", "~", "\0"])
                + text[place + 1 :]
            )
        yield text


def _side(chance: random.Random, depth: int) -> str:
    parts = [_part(chance, depth) for _ in range(chance.choice([1, 1, 2, 3, 5]))]
    return "".join(part + chance.choice(OPERATORS) for part in parts[:-1]) + parts[-1]


def _part(chance: random.Random, depth: int) -> str:
    kind = chance.random()
    if depth < 4 and kind < 0.45:
        inner = _side(chance, depth + 1) if chance.random() < 0.4 else _part(chance, depth + 1)
        return chance.choice(WRAPPERS).replace("%", inner)
    return chance.choice(COLUMNS if kind < 0.75 else NUMBERS if kind < 0.85 else CALLS)


def _extreme() -> Iterator[str]:
    for n in (50, 2000, 15_000):
        for opened, closed in (
            "()",
            "[]",
            "{}",
            ("I(", ")"),
            ("C(", ")"),
            ("-", ""),
            ("+", ""),
            ("~", ""),
            ("`", "`"),
        ):
            yield f"y ~ {opened * n}x{closed * n}"
        for sign in ("+", "-", "*", ":", "/", "**", "^", "%in%", " ", "~", ".", "|", ","):
            yield f"y ~ {sign.join(['x'] * n)}"
            yield f"y ~ I({sign.join(['x'] * n)})"
        yield f"y ~ {'(x + z)**2' * n}"
        yield f"y ~ {'9' * n}"
        yield f"y ~ C(x, {'9' * n})"
    for power in (2, 10, 11, 10**9):
        yield f"y ~ (x + z + g + b)**{power}"
        yield f"y ~ .**{power}"
        yield f"y ~ I(x**{power})"
        yield "y ~ " + "(" * 8 + "x + z" + f")**{power}" * 8
    yield f"y ~ `{'x' * 10_000_000}`"
    yield " " * 10_000_000 + "y ~ x !"
    # Read in 13 µs for each name, which the time limit leaves room for on a busy machine.
    yield f"y ~ {' + '.join(f'x{i}' for i in range(25_000))} - 1"


def main() -> None:
    """Read them all."""
    from linreg.data.formula.design_spec import design_spec
    from linreg.data.formula.expressions import parse_expression
    from linreg.data.formula.formula import parse_formula
    from linreg.errors import UserError

    values = {
        name: np.array([0.5, -1.0, 2.0]) for name in [*NAMES, "nowhere", "__builtins__", "_quoted0"]
    }

    def read(text: str) -> str:
        try:
            parsed = parse_formula(text, NAMES, CATEGORIES)
            data = design_spec(parsed)
        except UserError as error:
            message = str(error)
            proper = message.isprintable() and message.startswith("params.yaml: model.formula: ")
            return "refused" if proper else f"refused as {message} for {text:.200}"
        json.dumps(data, allow_nan=False).encode()
        for factor in [data["target"], *(each for term in data["terms"] for each in term)]:
            if factor["kind"] == "number" and factor["columns"] != [factor["factor"]]:
                columns = {name: values.get(name, values["x"]) for name in factor["columns"]}
                expression = parse_expression(factor["factor"])
                # What learns from the rows first has learned nothing here.
                assert expression.learned or expression(columns).shape == (3,), text
        return "accepted"

    seed, count, marker = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    warnings.simplefilter("error")
    for text in (
        "y ~ C(g, 'a')*x + I(x**2) + .",
        "y ~ {",
        "y ~ x.y + (",
        "y ~ C(x, -1)",
        "y ~ \x1b",
    ):
        read(text)  # what these import is imported now
    seen: Counter[str] = Counter()
    watching = True

    def note(event: str, arguments: tuple[object, ...]) -> None:
        if watching and event not in HARMLESS:
            seen[f"{event} {arguments!r:.100}"] += 1

    outcomes: Counter[str] = Counter()
    slowest = (0.0, "")
    texts = [text.replace("MARKER", marker) for text in formulas(seed, count)]
    sys.addaudithook(note)
    for text in texts:
        began = time.perf_counter()
        try:
            outcomes[read(text)] += 1
        except Exception as error:  # noqa: BLE001 - the test reports it
            outcomes[f"{type(error).__name__}: {error} for {text:.200}"] += 1
        slowest = max(slowest, (time.perf_counter() - began, text[:80]))
    acts = dict(seen)
    eval("1")  # noqa: S307 - a proof that the hook sees
    watching = False
    print(
        json.dumps(
            {
                "outcomes": outcomes,
                "acts": acts,
                "hook_sees": len(seen) > len(acts),
                "slowest": slowest,
            }
        )
    )


if __name__ == "__main__":
    main()
