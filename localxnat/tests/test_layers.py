"""Which part of localxnat may do what: SQL is spoken in `storage` alone."""

import ast
import re
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
