"""The private elements that stay, each with what it is needed for: private.tsv.

By creator, group and the last byte of the element's number: the block that a creator reserves
differs from file to file. `vr` is the value representation where a file says UN. What is not
there is removed, with the creators of blocks of which nothing stays. Canon, Toshiba, Hitachi and
Bruker have no entry: what a converter needs of theirs, diffusion included, is public.
"""

import csv
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from coil.deid.terms import is_sequence

_TEXTS = {
    "orientation": r"(Sag|Cor|Tra|[<>(). \d-]){1,24}",
    "coils": r"[A-Z0-9]{1,4}(-?\d{1,3})?([;, ]+[A-Z0-9]{1,4}(-\d{1,3})?){0,31}",
    "matrix": r"\d{1,4}[ps]?\*\d{1,4}[ps]?",
    "acceleration": r"p\d{1,2}(\.\d)?[a-z\d x_+.-]{0,16}",
    "dimensions": r"[X\d]\d{0,4}(_\d{1,4}){5,16}",
    "sequence": r"[%A-Za-z0-9_*#.-]{1,40}",
    "phrase": r"[A-Za-z0-9 _.,:;/+-]{0,48}",
}
TEXTS = {name: re.compile(pattern) for name, pattern in _TEXTS.items()}
_LOOKED_UP = ("sequence", "phrase", "acceleration")  # their form does not tell what they say
NUMBERS, CODES, REWRITTEN, ITEMS = "numbers", "codes", "rewritten", "items"


@dataclass(frozen=True)
class Kept:
    """A private element that stays: its VR, how its value is checked, what it is needed for.

    `form` is `numbers` or `codes` (by the VR), `items` (a sequence, cleaned as all others),
    `rewritten` (by `siemens` or `ge`), or a key of `TEXTS`.
    """

    vr: str
    form: str
    reason: str


@cache
def table() -> dict[tuple[str, int, int], Kept]:
    """private.tsv by creator, group and last byte."""
    with Path(__file__).with_name("private.tsv").open(encoding="ascii", newline="") as stream:
        return {
            (row["creator"], int(row["group"], 16), int(row["element"], 16)): Kept(
                row["vr"], row["form"], row["reason"]
            )
            for row in csv.DictReader(stream, delimiter="\t")
        }


def find(creator: str, tag: int) -> Kept | None:
    """The entry of a private element, or None if it does not stay."""
    return table().get((creator, tag >> 16, tag & 0xFF))


def fits(form: str, text: str) -> bool:
    """Whether a text is of a form of `TEXTS`, and says nothing but what scanners say."""
    if not TEXTS[form].fullmatch(text) or re.search(r"\d{5}", text):
        return False
    return form not in _LOOKED_UP or is_sequence(text)


def is_known(creator: str) -> bool:
    """Whether a text is the name of a creator of which something stays."""
    return any(creator == name for name, _, _ in table())
