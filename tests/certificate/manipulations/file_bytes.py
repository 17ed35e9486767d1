"""The bytes of the certificate are changed."""

import random

from tests.certificate.manipulations.case import FORGED, NOT_ALLOWED, Case, flipped, manipulation


@manipulation(
    "is not complete JSON|byte order mark|is no DSSE envelope|is not canonical base64|is not the"
    " key of|is not written as|is no SSH signature|for another purpose|is cut off|does not follow"
    f"|has other digests|is no subject|named twice|mistaken for|{FORGED}|{NOT_ALLOWED}"
)
def a_bit_of_the_certificate_is_flipped(case: Case, rng: random.Random) -> None:
    case.certificate.write_bytes(flipped(case.certificate.read_bytes(), rng))


@manipulation("is cut off|is not complete JSON")
def the_certificate_is_truncated(case: Case, rng: random.Random) -> None:
    data = case.certificate.read_bytes()
    case.certificate.write_bytes(data[: rng.randrange(len(data))])


@manipulation("begins with a byte order mark|is not complete JSON")
def a_byte_order_mark_is_put_before_it(case: Case, rng: random.Random) -> None:
    case.certificate.write_bytes("\ufeff".encode() + case.certificate.read_bytes())


@manipulation("is not complete JSON|is not written as")
def a_line_feed_is_added(case: Case, rng: random.Random) -> None:
    data = case.certificate.read_bytes()
    place = rng.choice([0, len(data), data.index(b",") + 1])
    case.certificate.write_bytes(data[:place] + b"\n" + data[place:])


@manipulation("is not written as linreg writes it|is not complete JSON")
def white_space_is_added(case: Case, rng: random.Random) -> None:
    white = rng.choice([b" ", b"\t", b"\r"])
    case.certificate.write_bytes(case.certificate.read_bytes().replace(b'":', b'":' + white, 1))


@manipulation("the key '.+' twice in one object")
def a_key_of_the_envelope_is_there_twice(case: Case, rng: random.Random) -> None:
    text = case.certificate.read_text()
    key = rng.choice(["payload", "payloadType", "signatures"])
    case.certificate.write_text(text.replace("{", f'{{"{key}":"",', 1))


@manipulation("the key '.+' twice in one object")
def a_key_of_an_unsigned_statement_is_there_twice(case: Case, rng: random.Random) -> None:
    case.write_statement(case.statement())
    key = rng.choice(['"_type"', '"sha256"', '"name"', '"verdict"'])
    text = case.certificate.read_text()
    start = text.index(f"{key}: ")
    member = text[start : text.index("\n", start)].rstrip(",")
    case.certificate.write_text(f"{text[:start]}{member}, {text[start:]}")


@manipulation("is not written as linreg writes it")
def a_letter_is_written_as_an_escape(case: Case, rng: random.Random) -> None:
    text = case.certificate.read_text()
    place = text.index('"payload":"') + 11 + rng.randrange(20)
    escaped = f"\\u{ord(text[place]):04x}"
    case.certificate.write_text(text[:place] + escaped + text[place + 1 :])


@manipulation("is not canonical base64|is not complete JSON")
def the_base64_is_not_canonical(case: Case, rng: random.Random) -> None:
    (envelope,) = case.envelopes()
    holder, key = rng.choice([(envelope, "payload"), (envelope["signatures"][0], "sig")])
    text = holder[key]
    place = rng.randrange(len(text))
    holder[key] = rng.choice(
        [
            f"{text}=",
            f"{text}====",
            f"{text[:place]} {text[place:]}",
            f"{text[:place]}\n{text[place:]}",
        ]
    )
    case.write(envelope)
