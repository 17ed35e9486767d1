"""Libraries that are needed for some sources only: imported when a source is one of these."""

import importlib
from types import ModuleType

from linreg.data.fetch.address import Address


def import_extra(module: str, extra: str, address: Address) -> ModuleType:
    """Import a library; raises UserError with the command that installs it where it is absent."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0].replace("_", "-")
        what = f"is read by {package}, which is not installed"
        todo = f"pip install 'linreg[{extra}]'"
        raise address.error(what, error, todo) from None
