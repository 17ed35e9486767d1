"""The envelope, the signature or the bundle is changed."""

import base64
import json
import random

from tests.certificate.example import AUTHOR, REFEREE, STRANGER
from tests.certificate.manipulations.case import (
    FORGED,
    NOT_ALLOWED,
    TYPE,
    Case,
    envelope_of,
    flipped,
    manipulation,
    signed_with,
)


@manipulation(FORGED)
def the_payload_is_changed_under_its_signature(case: Case, rng: random.Random) -> None:
    (envelope,) = case.envelopes()
    statement = case.statement()
    statement["predicate"]["machine"]["cpu"] = f"another CPU {rng.random()}"
    text = json.dumps(statement, sort_keys=True, indent=2, ensure_ascii=False) + "\n"
    case.write(envelope | {"payload": base64.b64encode(text.encode()).decode()})


@manipulation("is no DSSE envelope of a certificate: payloadType")
def the_payload_type_is_another_one(case: Case, rng: random.Random) -> None:
    (envelope,) = case.envelopes()
    kind = rng.choice(["application/json", "", TYPE.upper(), f"{TYPE} ", "application/vnd.in-toto"])
    case.write(envelope | {"payloadType": kind})


@manipulation(FORGED)
def the_signature_is_one_of_another_payload_type(case: Case, rng: random.Random) -> None:
    """The author has signed the same bytes as something else."""
    kind = rng.choice(["application/json", "text/plain", ""])
    signature = signed_with(case.keys.key(AUTHOR), case.payload(), kind)
    case.write(envelope_of(case.payload(), signature))


@manipulation(FORGED)
def the_signature_is_one_of_another_payload(case: Case, rng: random.Random) -> None:
    other = flipped(case.payload(), rng)
    signature = signed_with(case.keys.key(AUTHOR), other)
    case.write(envelope_of(case.payload(), signature))


@manipulation("was made for another purpose than linreg-certificate; found the namespace")
def the_signature_has_another_namespace(case: Case, rng: random.Random) -> None:
    namespace = rng.choice(["git", "file", "linreg-certificate2", "Linreg-certificate"])
    signature = signed_with(case.keys.key(AUTHOR), case.payload(), namespace=namespace)
    case.write(envelope_of(case.payload(), signature))


@manipulation(FORGED)
def the_namespace_in_the_signature_is_written_over(case: Case, rng: random.Random) -> None:
    """A signature of the same length of name, made for something else."""
    signature = signed_with(case.keys.key(AUTHOR), case.payload(), namespace="linreg-certificatX")
    blob = base64.b64decode(signature["sig"]).replace(b"linreg-certificatX", b"linreg-certificate")
    signature["sig"] = base64.b64encode(blob).decode()
    case.write(envelope_of(case.payload(), signature))


@manipulation(NOT_ALLOWED)
def it_is_signed_by_a_stranger(case: Case, rng: random.Random) -> None:
    statement = case.statement()
    statement["predicate"]["machine"]["cores"] = rng.randrange(1, 100)
    text = json.dumps(statement, sort_keys=True, indent=2, ensure_ascii=False) + "\n"
    signature = signed_with(case.keys.key(STRANGER), text.encode())
    case.write(envelope_of(text.encode(), signature))


@manipulation("is not the key of the signature")
def a_stranger_signs_with_the_key_id_of_the_author(case: Case, rng: random.Random) -> None:
    (envelope,) = case.envelopes()
    signature = signed_with(case.keys.key(STRANGER), case.payload())
    signature["keyid"] = envelope["signatures"][0]["keyid"]
    case.write(envelope_of(case.payload(), signature))


@manipulation(FORGED)
def the_key_in_the_signature_is_replaced(case: Case, rng: random.Random) -> None:
    """A stranger's signature in which the author's key stands."""
    (envelope,) = case.envelopes()
    blobs = {}
    for name in (AUTHOR, STRANGER):
        blobs[name] = base64.b64decode(case.keys.public(name).split()[1])
    signature = signed_with(case.keys.key(STRANGER), case.payload())
    blob = base64.b64decode(signature["sig"]).replace(blobs[STRANGER], blobs[AUTHOR])
    forged = {"keyid": envelope["signatures"][0]["keyid"], "sig": base64.b64encode(blob).decode()}
    case.write(envelope_of(case.payload(), forged))


@manipulation("is no SSH signature|is no DSSE envelope|" + FORGED)
def the_signature_is_empty_or_cut_off(case: Case, rng: random.Random) -> None:
    (envelope,) = case.envelopes()
    signature = envelope["signatures"][0]
    blob = base64.b64decode(signature["sig"])
    cut = blob[: rng.randrange(len(blob))]
    envelope["signatures"] = rng.choice(
        [[], [{**signature, "sig": base64.b64encode(cut).decode()}]]
    )
    case.write(envelope)


@manipulation("is no DSSE envelope of a certificate")
def the_envelope_has_another_field(case: Case, rng: random.Random) -> None:
    (envelope,) = case.envelopes()
    holder = rng.choice([envelope, envelope["signatures"][0]])
    holder["cert"] = "…"
    case.write(envelope)


@manipulation("is no DSSE envelope of a certificate: signatures")
def the_envelope_has_a_second_signature(case: Case, rng: random.Random) -> None:
    (envelope,) = case.envelopes()
    envelope["signatures"].append(signed_with(case.keys.key(STRANGER), case.payload()))
    case.write(envelope)


@manipulation("is signed by the same key as line 1")
def a_line_is_there_twice(case: Case, rng: random.Random) -> None:
    (envelope,) = case.envelopes()
    case.write(envelope, envelope)


@manipulation("the two statements disagree about")
def a_second_statement_disagrees(case: Case, rng: random.Random) -> None:
    """The referee has signed what came of another commit."""
    (envelope,) = case.envelopes()
    statement = case.statement()
    source = statement["predicate"]["source"]
    if rng.random() < 0.5:
        source["digest"][rng.choice(["gitCommit", "gitTree"])] = "d" * 40
    else:
        statement["predicate"][rng.choice(["inputs", "locks"])][0]["digest"]["sha256"] = "e" * 64
    text = json.dumps(statement, sort_keys=True, indent=2, ensure_ascii=False) + "\n"
    signature = signed_with(case.keys.key(REFEREE), text.encode())
    case.write(envelope, envelope_of(text.encode(), signature))


@manipulation(NOT_ALLOWED)
def a_stranger_countersigns(case: Case, rng: random.Random) -> None:
    (envelope,) = case.envelopes()
    signature = signed_with(case.keys.key(STRANGER), case.payload())
    case.write(envelope, envelope_of(case.payload(), signature))
