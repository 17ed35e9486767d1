"""How kernels are compiled: strictly, so that they give the same bits on every CPU."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

Function = TypeVar("Function", bound=Callable[..., Any])


def strict(function: Function) -> Function:
    """Compile without any licence to reorder, fuse or approximate; kept on disk for the next process.

    Other threads run meanwhile, such as one that reads the next rows.
    """
    return cast("Function", njit(cache=True, error_model="numpy", nogil=True)(function))
