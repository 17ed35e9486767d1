"""The ways in which a file comes to be another one: what disks, crashes and hands do to bytes."""

import random
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

LARGEST_BLOCK = 4096


def truncate(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(1, len(data))]


def empty(data: bytes, chance: random.Random) -> bytes:
    return b""


def flip_bit(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]


def change_byte(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + bytes([(data[at] + chance.randrange(1, 256)) % 256]) + data[at + 1 :]


def swap_blocks(data: bytes, chance: random.Random) -> bytes:
    length = chance.randint(1, min(LARGEST_BLOCK, len(data) // 2))
    first = chance.randint(0, len(data) - 2 * length)
    second = chance.randint(first + length, len(data) - length)
    middle = data[first + length : second]
    return (
        data[:first]
        + data[second : second + length]
        + middle
        + data[first : first + length]
        + data[second + length :]
    )


def double_block(data: bytes, chance: random.Random) -> bytes:
    length = chance.randint(1, min(LARGEST_BLOCK, len(data)))
    at = chance.randint(0, len(data) - length)
    return data[: at + length] + data[at:]


def zero_block(data: bytes, chance: random.Random) -> bytes:
    length = chance.randint(1, min(LARGEST_BLOCK, len(data)))
    at = chance.randint(0, len(data) - length)
    return data[:at] + bytes(length) + data[at + length :]


def append(data: bytes, chance: random.Random) -> bytes:
    return data + chance.choice(
        [b"\n", b" ", b"0", b"{}\n", bytes(16), chance.randbytes(100), data]
    )


def change_digit(data: bytes, chance: random.Random) -> bytes:
    """Another digit in a number that a person can read: what no parser can tell from the right
    one.
    """
    at = chance.choice([match.start() for match in re.finditer(rb"\d", data)])
    return data[:at] + bytes([48 + (data[at] - 48 + chance.randrange(1, 10)) % 10]) + data[at + 1 :]


WAYS: Mapping[str, Callable[[bytes, random.Random], bytes]] = MappingProxyType(
    {
        "truncated": truncate,
        "emptied": empty,
        "bit flipped": flip_bit,
        "byte changed": change_byte,
        "blocks swapped": swap_blocks,
        "block doubled": double_block,
        "block zeroed": zero_block,
        "garbage appended": append,
        "digit changed": change_digit,
    }
)


def damaged(data: bytes, way: str, chance: random.Random) -> bytes:
    """Return the bytes damaged in one of WAYS; they always differ from those before."""
    while (found := WAYS[way](data, chance)) == data:
        pass  # two equal blocks swapped
    return found
