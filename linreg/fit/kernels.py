"""How kernels are compiled: strict floating-point arithmetic, for the same bits on every CPU."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from linreg.fit.kernel_cache import use_private_cache

Function = TypeVar("Function", bound=Callable[..., Any])

PREFETCH_INTRINSIC = "llvm.prefetch.p0"
CACHE_LINE = 64
PREFETCH_DISTANCE = 32
"""Rows in advance that a row is prefetched; measured best of 4 to 64, for 4 and for 18 columns."""


CACHED = use_private_cache()


def strict(function: Function) -> Function:
    """Compile without any license to reorder, fuse or approximate floating-point operations.

    The machine code is cached on disk where that is safe. Other threads run meanwhile, such as one
    that prefetches rows.
    """
    return cast("Function", njit(cache=CACHED, error_model="numpy", nogil=True)(function))


def inlined(function: Function) -> Function:
    """Compile as part of each kernel that calls it, with the same arithmetic.

    numba counts references to the arrays of a call, by atomic operations: 60 ns for some arrays.
    """
    return cast("Function", njit(inline="always", error_model="numpy", nogil=True)(function))


def prefetch_address(builder: ir.IRBuilder, address: ir.Value) -> None:
    """Generate the instruction that prefetches the cache line of an address."""
    number = ir.IntType(32)
    signature = ir.FunctionType(ir.VoidType(), [address.type, number, number, number])
    function = builder.module.globals.get(PREFETCH_INTRINSIC) or ir.Function(
        builder.module, signature, PREFETCH_INTRINSIC
    )
    # For reading, to be kept in all caches, data rather than instructions.
    builder.call(function, [address, *(ir.Constant(number, value) for value in (0, 3, 1))])


def _prefetch(typing: Any, rows: Any, row: Any) -> Any:  # noqa: ARG001 (numba passes types)
    """Prefetch a row (columns,) of an array (rows, columns) in C order into the cache.

    Rows in a random order wait for the memory otherwise: 26 instead of 11 ns a row of 16 bytes, 98
    instead of 31 for 72, the arithmetic included.
    """

    def generate(context: Any, builder: Any, types_: Any, arguments: Any) -> Any:
        array = context.make_array(types_.args[0])(context, builder, arguments[0])
        stride = builder.extract_value(array.strides, 0)
        byte = ir.IntType(8).as_pointer()
        first = builder.gep(builder.bitcast(array.data, byte), [builder.mul(arguments[1], stride)])
        with cgutils.for_range_slice(
            builder, stride.type(0), stride, stride.type(CACHE_LINE), inc=True
        ) as (offset, _):
            prefetch_address(builder, builder.gep(first, [offset]))
        # The last byte may be in another cache line: 50 instead of 22 ns a row of 40 bytes without
        # this.
        crosses = builder.icmp_unsigned(
            "!=", builder.urem(stride.type(CACHE_LINE), stride), stride.type(0)
        )
        with builder.if_then(crosses):
            prefetch_address(builder, builder.gep(first, [builder.sub(stride, stride.type(1))]))
        return context.get_dummy_value()

    return types.void(rows, types.intp), generate


prefetch = cast("Callable[[Any, int], None]", intrinsic(_prefetch))
