"""Sixteen float64 in SIMD registers: a type that numba does not have.

A loop over 16 partial sums is unrolled by the compiler before it could be vectorised, and then adds
one number at a time. With a type of their own the 16 numbers are one operand, which LLVM divides
among the registers of whatever CPU it compiles for. Each number is rounded after each operation and
no product is fused with a sum, so the bits are the same on every CPU.

Each operation is a function that generates LLVM's instructions, as `numba.extending.intrinsic` asks
for; it has the checks of neither numpy nor numba. What a kernel calls stands at the end.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NewType, cast

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, models, register_model

from linreg.arrays import Floats
from linreg.fit.compiled.augmented_rows import Augmented
from linreg.fit.kernels import CACHE_LINE, prefetch_address

LANES = 16
"""Numbers that are processed at a time."""
GROUP = 4
"""Rows, and columns, that are transposed at a time."""

Lanes = NewType("Lanes", object)
"""LANES numbers of type float64."""

INDEX = ir.IntType(32)
VECTOR = ir.VectorType(ir.DoubleType(), LANES)


class LanesType(types.Type):
    """The type of `Lanes` in kernels."""

    def __init__(self) -> None:
        super().__init__(name="Lanes")


LANES_TYPE = LanesType()
register_model(LanesType)(partial(models.PrimitiveModel, be_type=VECTOR))


def _vector_at(
    context: Any, builder: Any, type_: Any, element: Sequence[Any], length: int
) -> tuple[Any, int]:
    """Return a pointer to `length` numbers from an element on, and their size in bytes.

    element  a matrix in C order and of type `type_`, a row and a column
    """
    assert type_.layout == "C"
    matrix, row, column = element
    array = context.make_array(type_)(context, builder, matrix)
    byte, number = ir.IntType(8).as_pointer(), array.data.type
    start = builder.mul(row, builder.extract_value(array.strides, 0))
    of_row = builder.bitcast(builder.gep(builder.bitcast(array.data, byte), [start]), number)
    vector = ir.VectorType(number.pointee, length).as_pointer()
    return builder.bitcast(builder.gep(of_row, [column]), vector), type_.dtype.bitwidth // 8


def _as_float64(builder: Any, vector: Any) -> Any:
    wide = ir.VectorType(ir.DoubleType(), vector.type.count)
    return vector if vector.type == wide else builder.fpext(vector, wide)


def _pick(builder: Any, a: Any, b: Any, order: Sequence[int]) -> Any:
    """Return a vector of elements of a and b, by their indices in [a b]."""
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(INDEX, len(order)), list(order)))


def _splat(builder: Any, number: Any) -> Any:
    vector = ir.VectorType(number.type, LANES)
    first = builder.insert_element(ir.Constant(vector, ir.Undefined), number, INDEX(0))
    return _pick(builder, first, first, [0] * LANES)


@intrinsic
def _same(_: Any, number: Any) -> Any:  # noqa: ARG001
    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return _splat(builder, *arguments)

    return LANES_TYPE(types.float64), generate


@intrinsic
def _load(_: Any, matrix: Any, row: Any, column: Any) -> Any:  # noqa: ARG001
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer, size = _vector_at(context, builder, signature.args[0], arguments, LANES)
        return _as_float64(builder, builder.load(pointer, align=size))

    return LANES_TYPE(matrix, types.intp, types.intp), generate


@intrinsic
def _load_first(_: Any, matrix: Any, row: Any, column: Any, count: Any) -> Any:  # noqa: ARG001
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        *element, count = arguments
        pointer, size = _vector_at(context, builder, signature.args[0], element, LANES)
        vector = pointer.type.pointee
        numbers = ir.Constant(ir.VectorType(INDEX, LANES), list(range(LANES)))
        mask = builder.icmp_signed("<", numbers, _splat(builder, builder.trunc(count, INDEX)))
        name = f"llvm.masked.load.v{LANES}f{8 * size}.p0"
        of_module = builder.module.globals
        function = of_module.get(name) or ir.Function(
            builder.module, ir.FunctionType(vector, [pointer.type, INDEX, mask.type, vector]), name
        )
        zeros = ir.Constant(vector, [0.0] * LANES)
        loaded = builder.call(function, [pointer, INDEX(size), mask, zeros])
        return _as_float64(builder, loaded)

    return LANES_TYPE(matrix, types.intp, types.intp, types.intp), generate


def _prefetch(count: int) -> Any:
    """Return an intrinsic that prefetches the cache lines in which `count` numbers begin."""

    def typed(_: Any, matrix: Any, row: Any, column: Any) -> Any:  # noqa: ARG001
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            pointer, size = _vector_at(context, builder, signature.args[0], arguments, 1)
            first = builder.bitcast(pointer, ir.IntType(8).as_pointer())
            for offset in range(0, count * size, CACHE_LINE):
                prefetch_address(builder, builder.gep(first, [INDEX(offset)]))
            return context.get_dummy_value()

        return types.void(matrix, types.intp, types.intp), generate

    return intrinsic(typed)


@intrinsic
def _store(_: Any, lanes: Any, matrix: Any, row: Any, column: Any) -> Any:  # noqa: ARG001
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        lanes, *element = arguments
        pointer, size = _vector_at(context, builder, signature.args[1], element, LANES)
        builder.store(lanes, pointer, align=size)
        return context.get_dummy_value()

    return types.void(LANES_TYPE, matrix, types.intp, types.intp), generate


@intrinsic
def _add_product(_: Any, sums: Any, a: Any, b: Any) -> Any:  # noqa: ARG001
    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        sums, a, b = arguments
        return builder.fadd(sums, builder.fmul(a, b))

    return LANES_TYPE(LANES_TYPE, LANES_TYPE, LANES_TYPE), generate


@intrinsic
def _tree_sum(_: Any, lanes: Any) -> Any:  # noqa: ARG001
    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        (sums,) = arguments
        while sums.type.count > 1:
            half = sums.type.count // 2
            first, second = range(half), range(half, 2 * half)
            sums = builder.fadd(
                _pick(builder, sums, sums, first), _pick(builder, sums, sums, second)
            )
        return builder.extract_element(sums, INDEX(0))

    return types.float64(LANES_TYPE), generate


@intrinsic
def _transpose(
    _: Any,
    matrix: Any,
    a: Any,  # noqa: ARG001
    b: Any,  # noqa: ARG001
    c: Any,  # noqa: ARG001
    d: Any,  # noqa: ARG001
    column: Any,  # noqa: ARG001
    tile: Any,
    lane: Any,  # noqa: ARG001
) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        matrix, *rows, column, tile, lane = arguments
        of_rows = []
        for row in rows:
            element = matrix, row, column
            pointer, size = _vector_at(context, builder, signature.args[0], element, GROUP)
            of_rows.append(_as_float64(builder, builder.load(pointer, align=size)))
        a, b, c, d = of_rows
        even, odd, low, high = (0, 4, 2, 6), (1, 5, 3, 7), (0, 1, 4, 5), (2, 3, 6, 7)
        # What CPUs do in one instruction each: pairs of columns of two rows, then of all rows.
        pairs = [(_pick(builder, a, b, part), _pick(builder, c, d, part)) for part in (even, odd)]
        of_columns = [_pick(builder, *pair, half) for half in (low, high) for pair in pairs]
        for offset, values in enumerate(of_columns):
            element = tile, builder.add(column, column.type(offset)), lane
            pointer, size = _vector_at(context, builder, signature.args[-2], element, GROUP)
            builder.store(values, pointer, align=size)
        return context.get_dummy_value()

    return types.void(matrix, *[types.intp] * 5, tile, types.intp), generate


same = cast("Callable[[float], Lanes]", _same)
"""LANES times the same number."""
load = cast("Callable[[Augmented, int, int], Lanes]", _load)
"""The numbers [row, column:column + LANES] of a matrix in C order, given with row and column."""
load_first = cast("Callable[[Augmented, int, int, int], Lanes]", _load_first)
"""The first ones of them, as many as the last argument says, followed by zeros. No others are
read."""
prefetch_lanes = cast("Callable[[Augmented, int, int], None]", _prefetch(LANES))
"""Prefetch the cache lines in which these numbers begin, successive ones 64 bytes apart."""
prefetch_number = cast("Callable[[Augmented, int, int], None]", _prefetch(1))
"""Prefetch the cache line of the number [row, column]."""
store = cast("Callable[[Lanes, Floats, int, int], None]", _store)
"""Write numbers to [row, column:column + LANES] of a matrix in C order."""
add_product = cast("Callable[[Lanes, Lanes, Lanes], Lanes]", _add_product)
"""sums + a·b, rounded after the product and after the sum."""
tree_sum = cast("Callable[[Lanes], float]", _tree_sum)
"""The sum, added pairwise as a tree: numbers i and i + 8, of these i and i + 4, and so on."""
transpose = cast("Callable[[Augmented, int, int, int, int, int, Floats, int], None]", _transpose)
"""Write [row, column:column + GROUP] of four rows, given with the column, to [column:column +
GROUP, lane:lane + GROUP] of a tile, given with the lane."""
