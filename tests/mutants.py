"""The mutants of a source file: each is one change of one expression or statement."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PERFORMANCE = {
    # Rows and bytes in memory at once.
    "BLOCK_BYTES",
    "BYTES_PER_BLOCK",
    "BYTES_PER_ROW",
    "CACHE_BYTES",
    "KEPT_BYTES",
    "MAX_PRODUCTS",
    "ROWS_AT_A_TIME",
    "TILE",
    "ROWS_PER_BUCKET",
    # How far ahead something is read.
    "CACHE_LINE",
    "MOST_STREAMS_AHEAD",
    "PREFETCH_DISTANCE",
    # How often something is looked at, written or sent.
    "MAX_BACKOFF_SECONDS",
    "MOST_SECONDS",
    "POLL_SECONDS",
    "SECONDS_BETWEEN_BATCHES",
    "SECONDS_WITHIN_EPOCH",
    "SHARE_OF_TIME",
    # How many are computed at once.
    "STEPS_AT_ONCE",
    "STEPS_BETWEEN_UPDATES",
}
"""Module constants that change no result, only time or memory. Their values are not mutated."""

COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.MatMult: ast.Add,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitAnd,
}


@dataclass(frozen=True, order=True)
class Mutant:
    """One change: the bytes from `start` to `end` of a source file become `after`."""

    file: str
    line: int
    start: int
    end: int
    after: str

    @property
    def package(self) -> str:
        """The folder of tests that is to notice it."""
        return self.file.split("/")[1]

    @property
    def targets(self) -> list[str]:
        """What pytest runs: the test file of the same name if there is one, then the package."""
        path = Path("tests", *Path(self.file).parts[1:-1], f"test_{Path(self.file).name}")
        return [*([str(path)] if (ROOT / path).exists() else []), f"tests/{self.package}"]

    def applied_to(self, source: bytes) -> bytes:
        """Return the source with the change."""
        return source[: self.start] + self.after.encode() + source[self.end :]

    def __str__(self) -> str:
        source = (ROOT / self.file).read_bytes()
        before, after = (
            text.splitlines()[self.line - 1].strip().decode()
            for text in (source, self.applied_to(source))
        )
        return f"{self.file}:{self.line}  {before} → {after}"


def mutants_of(file: str) -> Iterator[Mutant]:
    """Yield every mutant of a source file, given relative to the project."""
    source = (ROOT / file).read_bytes()
    starts = [0]
    for text in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(text))
    for node, after in _changes(ast.parse(source)):
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
        yield Mutant(file, node.lineno, start, end, after)


def _changes(tree: ast.AST) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """Yield the nodes that can be changed, each with the code that takes its place."""
    if isinstance(tree, ast.Assign) and {ast.unparse(each) for each in tree.targets} & PERFORMANCE:
        return
    if isinstance(tree, ast.keyword) and tree.arg == "strict":
        # An assertion of zip's, which fails for no input of ours.
        return
    if isinstance(tree, ast.expr | ast.stmt):
        yield from ((tree, after) for after in _replacements(tree))
    if isinstance(tree, ast.If | ast.IfExp) and not isinstance(tree.test, ast.Compare):
        yield tree.test, f"(not ({ast.unparse(tree.test)}))"
    for name, value in ast.iter_fields(tree):
        # Positions inside an f-string are wrong before Python 3.12.
        if name in ("annotation", "returns", "decorator_list") or isinstance(tree, ast.JoinedStr):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _changes(child)


def _replacements(node: ast.expr | ast.stmt) -> Iterator[str]:
    """Yield what may take the place of one node."""
    match node:
        case ast.Constant(value=bool(value)):
            yield str(not value)
        case ast.Constant(value=int(value) | float(value)) if value + 1 != value:
            yield from (f"({value + 1!r})", f"({value - 1!r})")
        case ast.Compare(left=left, ops=[operator, *others], comparators=right):
            for new in COMPARISONS[type(operator)]:
                yield f"({ast.unparse(ast.Compare(left, [new(), *others], right))})"
        case ast.BinOp(left=left, op=operator, right=right):
            yield f"({ast.unparse(ast.BinOp(left, ARITHMETIC[type(operator)](), right))})"
        case ast.BoolOp(op=operator, values=values):
            opposite = ast.Or() if isinstance(operator, ast.And) else ast.And()
            yield f"({ast.unparse(ast.BoolOp(opposite, values))})"
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield f"({ast.unparse(operand)})"
        case ast.AugAssign() | ast.Expr(value=ast.Call() | ast.Yield() | ast.YieldFrom()):
            yield "pass"
        case ast.Return(value=ast.expr() as value) if ast.unparse(value) != "None":
            yield "return None"
