"""Copy a table from a database, a lake or an address into the project, if it has changed.

    dvc repro                     as part of the pipeline: a stage fetch@NAME for each table
    python -m stages.fetch NAME   by hand
    LINREG_OFFLINE=1 dvc repro    with the rows of the last fetch

Parameters: `fetch`. Writes data/fetched/NAME/ with the table, which `ingest.source` names, and
fetched.json: address and query, rows, content, and the fingerprint by which a change is noticed.
"""

import sys
from pathlib import Path

from linreg.data.fetch.fetched import fetch_table
from linreg.errors import UserError
from linreg.params.file import load_params
from linreg.process.stage import stage

FETCHED = Path("data/fetched")


@stage
def main() -> None:
    """Fetch the table that the command line names."""
    params = load_params()
    name = sys.argv[1] if len(sys.argv) == 2 else ""
    tables = params.fetch
    if name not in tables:
        raise UserError(f"params.yaml: fetch.{name}", "is not there", found=", ".join(tables))
    for line in fetch_table(tables[name], FETCHED / name).lines():
        print(f"fetch: {line}")


if __name__ == "__main__":
    main()
