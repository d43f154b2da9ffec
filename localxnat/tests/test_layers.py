"""Which part of localxnat may do what: SQL is spoken in `storage` alone."""

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from localxnat.testing import PACKAGE_ROOT

PACKAGE = PACKAGE_ROOT / "localxnat"
SQL = re.compile(r"\s*(SELECT\s|INSERT\s|UPDATE\s+\w+\s+SET|DELETE\s+FROM|WITH\s.+\sAS\s)", re.S)
OTHERS = [
    path.relative_to(PACKAGE)
    for path in sorted(PACKAGE.rglob("*.py"))
    if path.relative_to(PACKAGE).parts[0] not in ("storage", "tests")
]


@pytest.mark.parametrize("module", OTHERS, ids=str)
def test_a_module_outside_the_storage_has_no_sql(module: Path) -> None:
    tree = list(ast.walk(ast.parse((PACKAGE / module).read_text())))
    texts = [node.value for node in tree if isinstance(node, ast.Constant)]
    used = {node.attr for node in tree if isinstance(node, ast.Attribute)}
    imported = {alias.name for node in tree if isinstance(node, ast.Import) for alias in node.names}

    assert not [text for text in texts if isinstance(text, str) and SQL.match(text)]
    assert not used & {"connection", "execute", "executemany", "fetchall"}
    assert "sqlite3" not in imported


FLOORS = (
    ("errors", "jsons", ""),
    ("model",),
    ("storage",),
    ("api",),
    ("faults", "pages"),
    ("app",),
)
"""What may import what: the parts of a floor import from those before it, and from their own."""


def _imports(module: Path) -> set[str]:
    """The modules of localxnat that one imports, by their dotted names."""
    tree = ast.parse((PACKAGE / module).read_text())
    found = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    names = [(node.module or "", alias.name) for node in found for alias in node.names]
    inner = [(base, name) for base, name in names if base.split(".")[0] == "localxnat"]
    folders = {base for base, _ in inner if PACKAGE.joinpath(*base.split(".")[1:]).is_dir()}
    return {f"{base}.{name}" if base in folders else base for base, name in inner}


def test_a_part_of_localxnat_imports_from_those_below_it() -> None:
    floor = {part: height for height, parts in enumerate(FLOORS) for part in parts}
    modules = [path.relative_to(PACKAGE) for path in sorted(PACKAGE.rglob("*.py"))]
    for module in (one for one in modules if one.parts[0].removesuffix(".py") in floor):
        own = floor[module.parts[0].removesuffix(".py")]
        parts = {name.split(".")[1] for name in _imports(module)} & floor.keys()
        assert all(floor[part] <= own for part in parts), module


def test_no_modules_of_localxnat_import_each_other() -> None:
    paths = [path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py")]
    graph = {
        ".".join(("localxnat", *path.with_suffix("").parts)): _imports(path)
        for path in paths
        if path.parts[0] != "tests"
    }
    TopologicalSorter({name: names & graph.keys() for name, names in graph.items()}).prepare()
