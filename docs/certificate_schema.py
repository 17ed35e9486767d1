"""Write docs/certificate.schema.json from the models in linreg/certificate/statement.py.

python -m docs.certificate_schema
"""

import json
from pathlib import Path
from typing import Any

from linreg.certificate.statement import PREDICATE_TYPE, Statement
from linreg.errors import one_line_errors
from linreg.files import write_text

SCHEMA = Path(__file__).with_name("certificate.schema.json")
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Any]:
    """Return the JSON schema of a certificate's statement, as strict as its models."""
    document = Statement.model_json_schema(by_alias=True, mode="validation")
    return {"$schema": DIALECT, "$id": f"{PREDICATE_TYPE}.schema.json", **document}


@one_line_errors
def main() -> None:
    """Write the schema."""
    write_text(SCHEMA, json.dumps(schema(), indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
