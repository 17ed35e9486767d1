"""All variations, in the order in which their programs start each other."""

from collections.abc import Callable, Sequence

from linreg.errors import UserError
from linreg.verify.variations import libraries, namespaces, surroundings
from linreg.verify.variations.variation import Variation

_MAKERS: dict[str, Callable[[], Variation]] = {
    "path": surroundings.other_path,
    "entries": surroundings.order_of_entries,
    # What needs rights that another user has not comes first.
    "hostname": namespaces.host_name,
    "network": namespaces.no_network,
    "cpus": namespaces.one_cpu,
    "user": namespaces.user_name,
    "umask": surroundings.umask,
    "date": surroundings.date,
    "timezone": surroundings.time_zone,
    "locale": surroundings.other_locale,
    "hashseed": libraries.hash_seed,
    "threads": libraries.threads,
    "features": libraries.cpu_features,
    "workers": libraries.workers,
}
NAMES = tuple(_MAKERS)
OF_LINREG = ("workers",)
"""Those that mean something to linreg's own stages only."""


def chosen_variations(names: Sequence[str], *, has_linreg_stages: bool) -> list[Variation]:
    """Return the variations with these names, or all; those that are not available among them.

    Raises UserError for a name that none has.
    """
    if unknown := [each for each in names if each not in _MAKERS]:
        known = ", ".join(NAMES)
        raise UserError("--vary", f"there are {known}", found=unknown[0])
    wanted = names or [each for each in NAMES if has_linreg_stages or each not in OF_LINREG]
    return [make() for name, make in _MAKERS.items() if name in wanted]
