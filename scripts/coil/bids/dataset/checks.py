"""What is wrong with the dataset's part of a config, before any work is done."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from coil.bids.dataset import tables
from coil.bids.dataset.columns import Column
from coil.bids.dataset.description import citation
from coil.errors import ConfigError

# Demographics that tell a birth, or an age that is not capped.
_BIRTH = frozenset(f"demographics/{name}" for name in ("dob", "yob", "age"))


def check_dataset(settings: Mapping[str, Any], file: str) -> None:
    """Raise `ConfigError` for tables and a citation that could not be written."""
    try:
        citation(settings["bids"])
        taken = {"participants": tables.PARTICIPANTS, "sessions": tables.SESSIONS}
        for key, own in taken.items():
            _check_columns(key, settings[key], own)
        instruments = [entry["instrument"] for entry in settings["phenotype"]]
        if twice := _twice(instruments):
            raise ConfigError(f"phenotype: two instruments are named {twice}; rename one")
        for place, entry in enumerate(settings["phenotype"]):
            where = f"phenotype[{place}]"
            _check_columns(f"{where}.columns", entry.get("columns", ()), ())
            if "sessions" in entry and "session_column" not in entry:
                raise ConfigError(f"{where}.session_column: missing; name the column of `sessions`")
    except ConfigError as error:
        raise ConfigError(f"{file}: {error}") from None


def _check_columns(where: str, columns: Iterable[Mapping[str, Any]], own: Iterable[str]) -> None:
    names = [column["name"] for column in columns]
    if twice := _twice([*names, *own]):
        raise ConfigError(f"{where}: {twice} stands twice, or is a column of every dataset; rename")
    for column in columns:
        if column.get("field", "") in _BIRTH:
            raise ConfigError(f"{where}: {column['name']}: tells a birth; the age is there already")
        try:
            Column.configured(column)
        except ValueError as error:
            raise ConfigError(f"{where}: {column['name']}: {error}") from None


def _twice(names: Iterable[str]) -> str | None:
    return next((name for name, count in Counter(names).items() if count > 1), None)
