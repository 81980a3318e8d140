"""Messages made wrong on purpose: cut short at every length, and with bits turned over.

Owns the rule that a parser answers a wrong message with ValueError or a legal shorter reading,
never with another exception. Never looks at what was read.
"""


def survives_truncation(parse: object, message: bytes, step: int = 1) -> int:
    """Parse every beginning of `message`, as bytes and as a view; how many were legal."""
    legal = 0
    view = memoryview(message)
    for size in range(0, len(message), step):
        for beginning in (message[:size], view[:size]):
            try:
                parse(beginning)
                legal += 1
            except ValueError as error:
                assert str(error)
    return legal


def survives_bit_flips(parse: object, message: bytes, step: int = 1, bits: int = 8) -> int:
    """Parse `message` with each bit of every `step`-th byte turned over; how many were legal."""
    legal = 0
    wrong = bytearray(message)
    for position in range(0, len(message), step):
        for bit in range(bits):
            wrong[position] ^= 1 << bit
            try:
                parse(bytes(wrong))
                legal += 1
            except ValueError as error:
                assert str(error)
            wrong[position] = message[position]
    return legal
