"""What a position in bytes stands in: a word, a number, a cell."""

import re

_NUMBER = re.compile(rb"[0-9.eE+-]*")
_CELL = re.compile(rb"[^\s,:\[\]{}]*")


def around(pattern: re.Pattern[bytes], data: bytes, start: int, end: int) -> bytes:
    """The whole run of a kind of characters that a position stands in."""
    left = pattern.match(data[max(0, start - 64) : start][::-1])
    right = pattern.match(data[end : end + 64])
    return data[start - len(left[0] if left else b"") : end + len(right[0] if right else b"")]


def is_not_a_number(data: bytes, start: int, end: int) -> bool:
    """Whether digits are an identifier's and not those of a measurement.

    A part of a decimal number is none. Up to six digits are one only if no other digit is next
    to them and they do not stand alone, as a cell or a JSON number does.
    """
    token = around(_NUMBER, data, start, end)
    try:
        float(token)
    except ValueError:
        is_number = False
    else:
        is_number = True
    if is_number and b"." in token:
        return False
    if end - start > 6:
        return True
    if data[:start][-1:].isdigit() or data[end : end + 1].isdigit():
        return False
    alone = around(_CELL, data, start, end)
    return not (is_number and alone == token)
