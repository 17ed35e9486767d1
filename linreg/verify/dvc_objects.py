"""Files and folders by their MD5: in DVC's cache, or fetched into it from DVC's remote."""

import json
import logging
from pathlib import Path

from linreg.dvc_command import cache_folder
from linreg.dvc_lock import dvc_root
from linreg.files import content_hash


def link_cached(md5: str, target: Path) -> bool:
    """Build a file or folder out of links to DVC's cache.

    False if a part of it is not there, or has other content.
    """
    cache = cache_folder(dvc_root()) / "files" / "md5"
    entry = cache / md5[:2] / md5[2:]
    if not entry.exists():
        return False
    if not md5.endswith(".dir"):
        target.symlink_to(entry)
        return content_hash(target) == md5
    for file in json.loads(entry.read_text(encoding="utf-8")):
        link = target / file["relpath"]
        if not link.resolve().is_relative_to(target.resolve()):
            # DVC writes no such listing: the cache was tampered with.
            return False
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(cache / file["md5"][:2] / file["md5"][2:])
    return content_hash(target) == md5


def fetch_into_cache(md5: str) -> str:
    """Fetch a file or folder from the default remote into DVC's cache; returns why not, or nothing.

    It is found by its MD5, so that it may belong to any commit.
    """
    # Imported here because they take a second.
    from dvc.repo import Repo
    from dvc_data.hashfile.hash_info import HashInfo
    from dvc_data.hashfile.tree import Tree

    # What it would warn of is returned.
    logging.getLogger("dvc").setLevel(logging.ERROR)
    wanted = HashInfo("md5", md5)
    try:
        with Repo() as repo:
            if not (remote := repo.config["core"].get("remote")):
                return "DVC has no default remote"
            repo.cloud.pull([wanted])
            found = repo.cache.local.exists(md5)
            if found and wanted.isdir:
                repo.cloud.pull([file for _, _, file in Tree.load(repo.cache.local, wanted)])
    except Exception as error:  # noqa: BLE001 - each kind of remote raises what its library does
        return (str(error).strip().splitlines() or [type(error).__name__])[0]
    return "" if found else f"DVC's remote {remote} does not have it"
