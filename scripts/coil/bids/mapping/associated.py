"""What the config says of files beside the images: where they are and what they hold."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn, get_args

from coil import columns
from coil.bids import names
from coil.config.model import mapping as model
from coil.config.model.table import default, keys
from coil.errors import ConfigError

KINDS = ("events", "physio", "stim")
"""What a rule can place beside its runs."""

_FILES = {
    "events": default(model.Events, "file"),
    "physio": "*",
    "stim": "*.tsv*",
    "beh": default(model.Behaviour, "file"),
}
_OF_RECORDINGS = tuple(key for key in keys(model.Recording) if key not in keys(model.Events))

Fail = Callable[[str, str], NoReturn]
"""Raises ConfigError for a key and what is wrong with it."""


@dataclass(frozen=True)
class Companion:
    """Files of one kind in one resource; `where` is their place in the config, for errors.

    `frequency` in Hz and `start` in seconds after the start of the run stand in for what the
    file's own json does not say; `columns` adds to it.
    """

    kind: str
    where: str
    resource: str
    file: str
    of: str = "session"
    columns: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    recording: str | None = None
    frequency: float | None = None
    start: float | None = None
    task: str | None = None
    acquisition: str | None = None


def parse(kind: str, datatype: str, entries: Any, where: str, fail: Fail) -> list[Companion]:
    """The companions that a rule's key `kind` names: one, or a list of them.

    Raises
    ------
    ConfigError
        By `fail`, with the key below the rule.
    """
    if (datatype, kind) not in names.companions():
        fail(kind, f"BIDS has no {kind} beside {datatype} images")
    several = entries if isinstance(entries, list) else [entries]
    found = []
    for place, raw in enumerate(several):
        key = f"{kind}[{place}]" if isinstance(entries, list) else kind
        _closed(raw, keys(model.Recording), key, fail)
        of = raw.get("of", default(model.Recording, "of"))
        if of not in (owners := get_args(model.Of)):
            fail(f"{key}.of", f"is {' or '.join(owners)}")
        if kind == "events" and (extra := [k for k in _OF_RECORDINGS if k in raw]):
            fail(f"{key}.{extra[0]}", "means nothing for events; remove it")
        if (name := raw.get("recording")) and (why := names.value_problem("recording", name)):
            fail(f"{key}.recording", why)
        found.append(
            Companion(
                kind=kind,
                where=f"{where}.{key}",
                resource=_resource(raw, key, fail),
                file=str(raw.get("file", _FILES[kind])),
                of=of,
                columns=_columns(raw, key, fail),
                recording=name,
                frequency=_number(raw, "sampling_frequency", key, fail),
                start=_number(raw, "start_time", key, fail),
            )
        )
    return found


def parse_behaviour(
    entries: list[dict[str, Any]], where: str = "bids.behaviour"
) -> list[Companion]:
    """The entries of `bids.behaviour`: tables of tasks outside the scanner's runs.

    Raises
    ------
    ConfigError
        One line: the entry, the key, what is wrong and what is allowed.
    """

    def fail(key: str, what: str) -> NoReturn:
        raise ConfigError(f"{where}{key}: {what}")

    found = []
    for place, raw in enumerate(entries):
        key = f"[{place}]"
        _closed(raw, keys(model.Behaviour), key, fail)
        kind = raw.get("kind", default(model.Behaviour, "kind"))
        if kind not in (kinds := get_args(model.BehaviourKind)):
            fail(f"{key}.kind", f"is {' or '.join(kinds)}")
        for entity in ("task", "acquisition"):
            value = raw.get(entity)
            short = "acq" if entity == "acquisition" else entity
            if value is None and entity == "task":
                fail(f"{key}.task", "name the task")
            if value is not None and (why := names.value_problem(short, str(value))):
                fail(f"{key}.{entity}", why)
        found.append(
            Companion(
                kind=kind,
                where=f"{where}{key}",
                resource=_resource(raw, key, fail),
                file=str(raw.get("file", _FILES["beh"])),
                columns=_columns(raw, key, fail),
                task=str(raw["task"]),
                acquisition=raw.get("acquisition"),
            )
        )
    return found


def _closed(raw: Any, known: tuple[str, ...], key: str, fail: Fail) -> None:
    if not isinstance(raw, dict):
        fail(key, f"takes {', '.join(known)}")
    for name in raw:
        if name not in known:
            fail(f"{key}.{name}", f"unknown key; it takes {', '.join(known)}")


def _resource(raw: Mapping[str, Any], key: str, fail: Fail) -> str:
    if "resource" not in raw:
        fail(f"{key}.resource", "name the resource of the session or scan that holds the files")
    return str(raw["resource"])


def _columns(raw: Mapping[str, Any], key: str, fail: Fail) -> dict[str, dict[str, Any]]:
    entries = dict(raw.get("columns") or {})
    for name, note in entries.items():
        if why := columns.problem(note):
            fail(f"{key}.columns.{name}", why)
    return entries


def _number(raw: Mapping[str, Any], name: str, key: str, fail: Fail) -> float | None:
    value = raw.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        fail(f"{key}.{name}", "is a number")
    if name == "sampling_frequency" and value <= 0:
        fail(f"{key}.{name}", "is a number of samples a second")
    return float(value)
