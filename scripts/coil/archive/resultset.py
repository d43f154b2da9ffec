"""The rows of a listing while it arrives: XNAT's JSON ResultSet, however long it is.

A listing of a whole project has hundreds of megabytes, so it is never held as one: each row
is handed on and forgotten. What comes before and after the rows is small and is read as
JSON at the end, so that a listing that broke off, cleanly or not, raises.
"""

import codecs
import json
import re
from collections.abc import Iterable, Iterator

from coil.errors import BrokenOffError, EmptyError

_START = re.compile(r'"Result"\s*:\s*\[')
_SPACE = re.compile(r"[\s,]*")
_HEAD = 1 << 16
_decode = json.JSONDecoder().raw_decode


def _broken() -> BrokenOffError:
    return BrokenOffError(
        "the archive answered a listing with something else, or with a part of it; it may be "
        "overloaded or the login may have ended, try again"
    )


def rows(chunks: Iterable[bytes]) -> Iterator[dict[str, str]]:
    """The rows of the listing in `chunks`, one by one.

    Raises `BrokenOffError`, at the latest after the last row, if it is no listing, does
    not end as it should, or has another number of rows than it says (`totalRecords`); an
    `EmptyError` if it is nothing at all, as XNAT answers where its query failed.
    """
    texts = _texts(chunks)
    head = text = ""
    while (start := _START.search(text)) is None:
        if len(text) > _HEAD:
            raise _broken()
        more = next(texts, None)
        if more is None:
            raise _broken() if text.strip() else EmptyError(str(_broken()))
        text += more
    head, at, number = text[: start.end()], start.end(), 0
    while True:
        at = _SPACE.match(text, at).end()  # type: ignore[union-attr]  # it matches nothing, too
        if text[at : at + 1] == "]":
            break
        try:
            row, at = _decode(text, at)
        except ValueError:  # the rest of this row is in the next chunk
            text, at = text[at:] + _next(texts), 0
            continue
        number += 1
        yield row
    _check(head + text[at:] + "".join(texts), number)


def _texts(chunks: Iterable[bytes]) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    for chunk in chunks:
        yield decoder.decode(chunk)


def _next(texts: Iterator[str]) -> str:
    try:
        return next(texts)
    except StopIteration:
        raise _broken() from None


def _check(frame: str, number: int) -> None:
    """Whether the answer without its rows is whole, and tells of as many as there were."""
    try:
        told = json.loads(frame)["ResultSet"].get("totalRecords", number)
        whole = int(told) == number
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _broken() from None
    if not whole:
        raise _broken()
