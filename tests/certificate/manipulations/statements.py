"""The statement is changed, and nobody has signed it."""

import json
import random
import unicodedata
from typing import Any

from tests.certificate.manipulations.case import OTHER_DIGEST, Case, manipulation


@manipulation("subject .+ has other digests than|does not follow the schema|" + OTHER_DIGEST)
def a_digest_is_another_one(case: Case, rng: random.Random) -> None:
    statement = case.statement()
    digest = rng.choice(statement["subject"])["digest"]
    name = rng.choice(list(digest))
    place = rng.randrange(len(digest[name]))
    old = digest[name]
    new = rng.choice([each for each in "0123456789abcdefG" if each != old[place]])
    digest[name] = old[:place] + new + old[place + 1 :]
    case.write_statement(statement)


@manipulation("subject .+ has other digests than|" + OTHER_DIGEST + "|recorded .*, found")
def digests_are_swapped(case: Case, rng: random.Random) -> None:
    statement = case.statement()
    a, b = rng.sample(statement["subject"], 2)
    a["digest"], b["digest"] = b["digest"], a["digest"]
    case.write_statement(statement)


@manipulation("is no subject|has other digests than")
def a_subject_is_removed(case: Case, rng: random.Random) -> None:
    statement = case.statement()
    statement["subject"].remove(rng.choice(statement["subject"]))
    case.write_statement(statement)


@manipulation("is named twice")
def a_subject_is_there_twice(case: Case, rng: random.Random) -> None:
    statement = case.statement()
    statement["subject"].append(rng.choice(statement["subject"]))
    case.write_statement(statement)


@manipulation("is no subject|has other digests than")
def a_subject_is_renamed(case: Case, rng: random.Random) -> None:
    statement = case.statement()
    rng.choice(statement["subject"])["name"] += ".txt"
    case.write_statement(statement)


@manipulation("does not follow the schema of certificates at subject")
def a_subject_lies_outside_of_the_folder(case: Case, rng: random.Random) -> None:
    statement = case.statement()
    subject = rng.choice(statement["subject"])
    name = subject["name"]
    subject["name"] = rng.choice(
        [f"../{name}", f"/{name}", f"models/../{name}", f"./{name}", f"{name}/..", f"..\\{name}",
         f"a//{name}", f"{name}/", f"{name}\0", f"{name}\n", ""]
    )  # fmt: skip
    case.write_statement(statement)


@manipulation("has a name that can be mistaken for another")
def a_name_looks_like_another_one(case: Case, rng: random.Random) -> None:
    statement = case.statement()
    subject = rng.choice([each for each in statement["subject"] if "model/" not in each["name"]])
    name = subject["name"]
    new = rng.choice(
        [unicodedata.normalize("NFD", f"ö{name}"), f"\u200b{name}", f"{name}\u202e",
         f"{name}\u00ad", f"\u2028{name}", f"{name}\ufeff"]
    )  # fmt: skip
    text = json.dumps(statement, ensure_ascii=False).replace(f'"{name}"', f'"{new}"')
    case.write_statement(json.loads(text))


@manipulation("no such file|no such folder|is no subject|has other digests")
def a_name_has_letters_of_another_alphabet(case: Case, rng: random.Random) -> None:
    """They are legal in names, and so there must be a file of that name."""
    statement = case.statement()
    cyrillic = str.maketrans({"o": "о", "e": "е", "c": "с"})
    subject = rng.choice(statement["subject"])
    text = json.dumps(statement, ensure_ascii=False)
    name = subject["name"]
    case.write_statement(json.loads(text.replace(f'"{name}"', f'"{name.translate(cyrillic)}"')))


@manipulation("does not follow the schema of certificates at")
def a_field_is_added(case: Case, rng: random.Random) -> None:
    statement = case.statement()
    objects = [statement, *objects_in(statement)]
    closed = [
        each for each in objects if not {"linreg", "params.yaml", "train.lr", "formula"} & set(each)
    ]
    rng.choice(closed)["note"] = rng.choice(["", 1, None])
    case.write_statement(statement)


@manipulation("does not follow the schema of certificates at")
def a_field_is_removed(case: Case, rng: random.Random) -> None:
    statement = case.statement()
    holder = rng.choice([statement, statement["predicate"], *statement["predicate"]["executions"]])
    del holder[rng.choice(list(holder))]
    case.write_statement(statement)


@manipulation("does not follow the schema of certificates at")
def a_field_has_another_type(case: Case, rng: random.Random) -> None:
    statement = case.statement()
    predicate = statement["predicate"]
    holder, key = rng.choice(
        [(statement, "_type"), (statement, "predicateType"), (statement, "subject"),
         (predicate, "locks"), (predicate, "started"), (predicate["machine"], "cores"),
         (predicate["source"]["digest"], "gitCommit"), (predicate["executions"][0], "verdict")]
    )  # fmt: skip
    holder[key] = rng.choice([None, [], "", True, {"a": 1}, "https://in-toto.io/Statement/v0.1"])
    case.write_statement(statement)


@manipulation("its difference is|is different, not identical|is not run, and")
def a_verdict_is_another_one(case: Case, rng: random.Random) -> None:
    statement = case.statement()
    execution = rng.choice(statement["predicate"]["executions"])
    others = {"identical", "different", "not run"} - {execution["verdict"]}
    if execution["difference"]:
        others = {"identical"}
    execution["verdict"] = rng.choice(sorted(others))
    case.write_statement(statement)


@manipulation("is not signed")
def the_signature_is_taken_off(case: Case, rng: random.Random) -> None:
    case.write_statement(case.statement())
    case.signed = True


def objects_in(value: object) -> list[dict[str, Any]]:
    """Return all objects within a document, without the document itself."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    found: list[dict[str, Any]] = []
    for each in inner:
        found += [each] if isinstance(each, dict) else []
        found += objects_in(each)
    return found
