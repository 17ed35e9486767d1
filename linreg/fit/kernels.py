"""How kernels are compiled: strictly, so that they give the same bits on every CPU."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from linreg.process.source_hash import code_hash

Function = TypeVar("Function", bound=Callable[..., Any])

# numba notices a change of the file that a kernel is in, but not of those that it calls kernels of.
PROJECT = Path(__file__).resolve().parents[2]


def _is_ours_alone(folder: Path) -> bool:
    """Tell whether nobody else can write into a folder, made if need be: numba unpickles what lies
    in it.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        about = folder.stat()
    except OSError:
        return False
    return about.st_uid == os.geteuid() and not about.st_mode & 0o022


CAN_KEEP = True
if "NUMBA_CACHE_DIR" not in os.environ:
    kernels = PROJECT / ".linreg" / "kernels" / code_hash(PROJECT)
    numba.config.CACHE_DIR = str(kernels)  # type: ignore[attr-defined]
    CAN_KEEP = _is_ours_alone(kernels)

PREFETCH = "llvm.prefetch.p0"
CACHE_LINE = 64
ROWS_AHEAD = 32
"""How many rows in advance one is asked for: measured best of 4 to 64, for 4 columns and for 18."""


def strict(function: Function) -> Function:
    """Compile without any licence to reorder, fuse or approximate; kept on disk for the next
    process if it is safe.

    Other threads run meanwhile, such as one that reads the next rows.
    """
    return cast("Function", njit(cache=CAN_KEEP, error_model="numpy", nogil=True)(function))


def _prefetch(typing: Any, rows: Any, row: Any) -> Any:  # noqa: ARG001 (numba passes types)
    """Ask for a row (columns,) of an array (rows, columns) in C order, so that it is in the cache
    when it is read.

    Rows in a random order wait for the memory otherwise: 26 instead of 11 ns a row of 16 bytes, 98
    instead of 31 for 72, the arithmetic included.
    """

    def generate(context: Any, builder: Any, types_: Any, arguments: Any) -> Any:
        array = context.make_array(types_.args[0])(context, builder, arguments[0])
        stride = builder.extract_value(array.strides, 0)
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        first = builder.gep(builder.bitcast(array.data, byte), [builder.mul(arguments[1], stride)])
        signature = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        function = builder.module.globals.get(PREFETCH) or ir.Function(
            builder.module, signature, PREFETCH
        )
        to_read, keep, data = (ir.Constant(number, value) for value in (0, 3, 1))
        with cgutils.for_range_slice(
            builder, stride.type(0), stride, stride.type(CACHE_LINE), inc=True
        ) as (offset, _):
            builder.call(function, [builder.gep(first, [offset]), to_read, keep, data])
        # The last byte may lie in a line of its own: 50 instead of 22 ns a row of 40 bytes without
        # it.
        crosses = builder.icmp_unsigned(
            "!=", builder.urem(stride.type(CACHE_LINE), stride), stride.type(0)
        )
        with builder.if_then(crosses):
            last = builder.gep(first, [builder.sub(stride, stride.type(1))])
            builder.call(function, [last, to_read, keep, data])
        return context.get_dummy_value()

    return types.void(rows, types.intp), generate


prefetch = cast("Callable[[Any, int], None]", intrinsic(_prefetch))
