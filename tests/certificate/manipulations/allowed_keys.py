"""The file of allowed signers is changed."""

import random

from tests.certificate.example import AUTHOR
from tests.certificate.manipulations.case import NOT_ALLOWED, Case, manipulation


@manipulation(NOT_ALLOWED + "|there is no such file of allowed signers")
def the_file_of_allowed_signers_lacks_the_author(case: Case, rng: random.Random) -> None:
    lines = case.allowed.read_text().splitlines(keepends=True)
    case.allowed.write_text("".join(each for each in lines if not each.startswith(AUTHOR)))


@manipulation(NOT_ALLOWED + "|is not signed by")
def a_bit_of_the_allowed_key_is_flipped(case: Case, rng: random.Random) -> None:
    key = case.keys.public(AUTHOR).split()[1]
    place = rng.randrange(20, len(key) - 2)
    new = rng.choice([each for each in "ABCDefgh0123" if each != key[place]])
    text = case.allowed.read_text()
    case.allowed.write_text(text.replace(key, key[:place] + new + key[place + 1 :]))


@manipulation("is not signed by author@example.org; found")
def the_principal_of_the_key_is_another_one(case: Case, rng: random.Random) -> None:
    text = case.allowed.read_text()
    case.allowed.write_text(text.replace(AUTHOR, rng.choice(["editor@example.org", "a", "author"])))


@manipulation(NOT_ALLOWED)
def the_key_is_allowed_for_something_else(case: Case, rng: random.Random) -> None:
    option = rng.choice(
        ['namespaces="git"', 'valid-before="20200101"', 'valid-after="29990101"', "cert-authority"]
    )
    text = case.allowed.read_text()
    case.allowed.write_text(text.replace(f"{AUTHOR} ", f"{AUTHOR} {option} "))
