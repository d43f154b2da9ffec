"""localxnat's database keeps what it was told, whatever fails and whoever else opens it."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from localxnat.storage.database import Database
from localxnat.storage.store import Store

READ = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('SELECT 1 FROM objects').close()"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "localxnat.sqlite3"


def test_what_follows_a_commit_that_failed_is_kept(path: Path) -> None:
    database = Database(path)
    with pytest.raises(sqlite3.IntegrityError), database.write() as connection:
        connection.execute("PRAGMA defer_foreign_keys = ON")
        connection.execute("INSERT INTO roles VALUES ('P', 'nobody', 'owner')")
    with database.write() as connection:
        connection.execute("INSERT INTO settings VALUES ('kept', '1')")
    others = sqlite3.connect(path)
    assert others.execute("SELECT name FROM settings").fetchall() == [("kept",)]
    others.close()


def test_who_looks_at_some_objects_only_can_write_what_others_did_not(tmp_path: Path) -> None:
    store = Store(tmp_path / "root")
    add = "INSERT INTO objects VALUES (?, 'project', ?, '', NULL, '', '', '{}', '', '', '')"
    with store.database.write() as connection:
        connection.executemany(add, [(1, "ONE"), (2, "TWO")])
    some = store.all("project")
    assert next(some).id == "ONE"
    with sqlite3.connect(tmp_path / "root" / "localxnat.sqlite3") as other:
        other.execute(add, (3, "THREE"))
    with store.database.write() as connection:
        connection.execute(add, (4, "FOUR"))
    assert [one.id for one in store.all("project")] == ["ONE", "TWO", "THREE", "FOUR"]
    other.close()


def test_a_database_that_is_opened_twice_keeps_its_locks(path: Path) -> None:
    databases = [Database(path), Database(path)]
    subprocess.run([sys.executable, "-c", READ, str(path)], check=True)
    # Who closes the last connection removes it.
    assert path.with_name(f"{path.name}-wal").exists()
    del databases
