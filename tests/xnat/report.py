"""One file that says how it went, without where and by whom."""

import platform
import re
import subprocess
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from coil import files
from tests.support.elsewhere import Elsewhere
from tests.xnat.parts import CHECKOUT, Part

VERSION = 1


def write(path: Path, parts: Sequence[Part], server: Elsewhere | None) -> None:
    """Write the report; what it quotes loses the server's name, the user's and the folders'."""
    value = {
        "version": VERSION,
        "commit": _commit(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "parts": [asdict(part) for part in parts],
    }
    files.write_json(path, cleaned(value, secrets(server)))


def secrets(server: Elsewhere | None) -> dict[str, str]:
    """What must not be in the report, and what stands for it, the longest first."""
    found = {str(CHECKOUT): "CHECKOUT", str(Path.home()): "HOME", platform.node(): "MACHINE"}
    if server:
        parts = urlsplit(server.url)
        found |= {server.url: "SERVER", parts.netloc: "SERVER", parts.hostname or "": "SERVER"}
        found |= {server.password: "PASSWORD", server.user: "USER"}
    found = {text: word for text, word in found.items() if len(text) > 1}
    return dict(sorted(found.items(), key=lambda pair: -len(pair[0])))


def cleaned(value: Any, words: dict[str, str]) -> Any:
    """The value with each text replaced that must not be in it, where it is a word of its own."""
    if isinstance(value, dict):
        return {key: cleaned(one, words) for key, one in value.items()}
    if isinstance(value, list):
        return [cleaned(one, words) for one in value]
    if not isinstance(value, str):
        return value
    for text, word in words.items():
        value = re.sub(rf"(?<![\w]){re.escape(text)}(?![\w])", word, value)
    return value


def _commit() -> str:
    command = ["git", "-C", str(CHECKOUT), "rev-parse", "--short", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()
