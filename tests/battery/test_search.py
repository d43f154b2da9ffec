"""The search sees planted values however they are packed, and makes none up."""

import base64
import gzip
import html
import io
import zipfile
import zlib
from collections.abc import Callable
from urllib.parse import quote

import pytest
from PIL import Image, PngImagePlugin

from tests.battery import search
from tests.battery.plants import Plants


def zipped(data: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("sheet.xml", data)
    return target.getvalue()


def figure(data: bytes) -> bytes:
    """A page with a PNG in it, whose compressed text says it."""
    said, target = PngImagePlugin.PngInfo(), io.BytesIO()
    said.add_text("Comment", data.decode(), zip=True)
    Image.new("L", (4, 4)).save(target, "png", pnginfo=said)
    return b'<img src="data:image/png;base64,' + base64.b64encode(target.getvalue()) + b'">'


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "as it is": bytes,
    "gzip": gzip.compress,
    "base 64": base64.b64encode,
    "the middle of base 64": lambda data: base64.b64encode(b"some" + data + b"more"),
    "UTF-16": lambda data: data.decode().encode("utf-16-le"),
    "hexadecimal": lambda data: b"0" + data.hex().encode(),
    "a URL": lambda data: "".join(f"%{byte:02x}" for byte in data).encode(),
    "escapes of JSON": lambda data: "".join(f"\\u{byte:04x}" for byte in data).encode(),
    "HTML": lambda data: "".join(f"&#{byte};" for byte in data).encode(),
    "a workbook": zipped,
    "a figure in a page": figure,
    "a page that is compressed": lambda data: gzip.compress(figure(data)),
}


@pytest.mark.parametrize("packing", PACKED)
@pytest.mark.parametrize("vr", ["PN", "DA", "TM", "UI", "DS", "IS", "LO", "CS"])
def test_a_value_is_seen_however_it_is_packed(packing: str, vr: str) -> None:
    plants = Plants(vr)
    value = str(plants.of_vr(vr, "anywhere")).encode()
    found = search.in_bytes(plants, PACKED[packing](b"said " + value + b" there"))
    assert found == plants.places.keys()


def test_nothing_is_seen_where_nothing_is() -> None:
    plants = Plants("none")
    for _ in range(500):
        plants.word("a")
        plants.day("b")
        plants.number("c")
    text = b"The quick brown fox, 20240501, 990123456789 " + quote(html.escape("<a>")).encode()
    assert not search.in_bytes(plants, text + zlib.compress(text))
