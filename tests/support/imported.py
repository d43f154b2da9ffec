"""What the project's scripts import, read from their source: no script is run.

The rules say which script runs in which environment; a script's imports are its own and those of
every module of the project that it reaches, inside functions, too.
"""

import ast
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import yaml
from packaging.utils import canonicalize_name

CHECKOUT = Path(__file__).resolve().parents[2]
SCRIPTS = CHECKOUT / "scripts"


def environments() -> dict[str, set[str]]:
    """The scripts that run in each environment, both by name: of rules, and bundled analyses."""
    found = defaultdict(set)
    bundled = yaml.safe_load((SCRIPTS / "analyses" / "bundled.yaml").read_text()).values()
    named = {entry.get("script") or entry["notebook"]: entry["env"] for entry in bundled}
    for path in (p for p in (SCRIPTS / "analyses").iterdir() if p.suffix in (".py", ".ipynb")):
        found[named.get(path.name, path.stem)].add(f"analyses/{path.name}")
    for rules in (CHECKOUT / "rules").glob("*.smk"):
        for rule in re.split(r"^rule ", rules.read_text(), flags=re.M)[1:]:
            env = re.search(r"/envs/([\w-]+)\.yaml", rule)
            script = re.search(r"/scripts/([\w/]+\.py)", rule)
            if env and script:
                found[env[1]].add(script[1])
    return dict(found)


def snakefiles() -> list[Path]:
    """The project's files that the Snakefile and the rules import."""
    texts = [path.read_text() for path in (CHECKOUT / "rules").glob("*.smk")]
    texts.append((CHECKOUT / "Snakefile").read_text())
    lines = re.findall(r"^ *from (coil[\w.]*) import (\([^)]*\)|.+)", "\n".join(texts), re.M)
    names = {f"{module}.{name}" for module, listed in lines for name in re.findall(r"\w+", listed)}
    return [file for name in sorted(names) for file in _files(name)]


def reached(script: Path) -> set[Path]:
    """The script and the files of the project that it imports, directly or not."""
    found: set[Path] = set()
    waiting = [script]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += [file for name in imported(path) for file in _files(name)]
    return found


@cache
def imported(path: Path) -> frozenset[str]:
    """The dotted names of what a file imports at run time."""
    tree = ast.parse(_code(path))
    for node in list(ast.walk(tree)):
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
            node.body = []
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(names)


def _code(path: Path) -> str:
    """A script's text, or that of a notebook's cells."""
    if path.suffix != ".ipynb":
        return path.read_text()
    cells = json.loads(path.read_text())["cells"]
    return "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")


def distributions(files: Iterable[Path]) -> set[str]:
    """The packages on PyPI that files import, under the names that Python's metadata give them."""
    providers = _providers()
    names = {name.partition(".")[0] for path in files for name in imported(path)}
    own = {path.stem for path in SCRIPTS.iterdir()}
    return {canonicalize_name(providers[name][0]) for name in names - own - sys.stdlib_module_names}


@cache
def _providers() -> dict[str, list[str]]:
    return dict(packages_distributions())


def _files(name: str) -> Iterator[Path]:
    """The project's files that importing a dotted name runs."""
    parts = name.split(".")
    for length in range(1, len(parts) + 1):
        place = SCRIPTS.joinpath(*parts[:length])
        yield from (p for p in (place / "__init__.py", place.with_suffix(".py")) if p.is_file())
