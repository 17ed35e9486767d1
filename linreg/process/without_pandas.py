"""pyarrow without pandas.

On the first conversion of a Python value, pa.scalar(1) or pc.fill_null(column, 0), pyarrow imports
pandas if it is installed, to recognize pandas objects among the values. That takes 0.4 s, longer
than many a stage has to work, and no stage has such objects.
"""

import sys
from importlib.abc import MetaPathFinder


def keep_pandas_out() -> None:
    """Let pyarrow find that there is no pandas, unless it has been imported already.

    pyarrow looks only once, except where it has to return a pandas object: to_pandas still works.
    """
    if "pandas" in sys.modules:
        return
    import pyarrow as pa

    finder = _FindsNoPandas()
    sys.meta_path.insert(0, finder)
    try:
        pa.scalar(0)
    finally:
        sys.meta_path.remove(finder)


class _FindsNoPandas(MetaPathFinder):
    def find_spec(self, fullname: str, *_: object) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError(fullname)
