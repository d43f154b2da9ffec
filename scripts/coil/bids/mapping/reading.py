"""Read one rule of a mapping; every complaint starts with the rule's place and the key."""

import re
import string
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NoReturn, get_args

from coil.bids import names
from coil.bids.mapping import associated
from coil.bids.mapping.associated import Companion
from coil.bids.mapping.conditions import Condition, Range
from coil.bids.mapping.matching import read_condition, read_range
from coil.bids.mapping.rules import AUTO, AUTOMATIC, B0, Origin, Rule, Source
from coil.config.model import mapping as model
from coil.config.model.table import keys
from coil.errors import ConfigError

RULE_KEYS = tuple(key for key in keys(model.Rule) if key != "use")
SOURCES = ("reproin", "bidsmap")

# What a rule may say only of a series that it names.
_NAMING_KEYS = tuple(key for key in RULE_KEYS if key not in ("match", "ignore", "to", "priority"))
# A rule that the lab writes goes before what another source makes of a series.
_SOURCE_PRIORITY = -1


def read_rule(raw: dict[str, Any], place: str, synonyms: Mapping[str, str]) -> Rule:
    """Compile a rule; raises `ConfigError` (one line: the place, the key, what is allowed)."""
    return _Reader(place, raw).read(synonyms)


def read_source(raw: dict[str, Any], place: str, origin: Origin) -> Source:
    """Read an entry that stands for rules from elsewhere: `use`, and their `priority`."""
    for key in raw:
        if key not in ("use", "priority"):
            raise ConfigError(f"{place}.{key}: unknown key beside `use`; it takes priority")
    use = str(raw["use"])
    if use not in SOURCES and not use.endswith(".py"):
        raise ConfigError(f"{place}.use: is {', '.join(SOURCES)}, or the path of a heuristic.py")
    return Source(origin, use, int(raw.get("priority", _SOURCE_PRIORITY)))


def read_override(raw: dict[str, Any], place: str, condition: Condition) -> Rule:
    """Compile an override that names or ignores by itself the series that fit `condition`."""
    reader = _Reader(place, raw)
    reader.closed(keys(model.Override))
    return replace(reader.rule(condition), derived=True)


def amend_rule(raw: dict[str, Any], place: str, rule: Rule) -> Rule:
    """The rule with what an override says; the result knows which rule it amends."""
    reader = _Reader(place, raw)
    reader.closed(keys(model.Override))
    return reader.amend(rule)


class _Reader:
    """Reads one rule."""

    def __init__(self, place: str, raw: dict[str, Any]) -> None:
        self.place = place
        self.raw = raw

    def read(self, synonyms: Mapping[str, str]) -> Rule:
        self.closed(RULE_KEYS)
        if "match" not in self.raw:
            self._fail("match", "missing; say which series the rule takes")
        return self.rule(read_condition(self.raw["match"], f"{self.place}.match", synonyms))

    def rule(self, condition: Condition) -> Rule:
        """The rule for the series that fit a condition."""
        raw = self.raw
        if ("to" in raw) == ("ignore" in raw):
            self._fail("to", "a rule has either `to` or `ignore`")
        priority = int(raw.get("priority", 0))
        if "ignore" in raw:
            if extra := [key for key in _NAMING_KEYS if key in raw]:
                self._fail(extra[0], "means nothing for a series that is ignored; remove it")
            reason = " ".join(str(raw["ignore"]).split())
            return Rule(0, condition, ignore=reason, priority=priority)
        datatype, suffix = self._target(str(raw["to"]))
        return Rule(
            0,
            condition,
            datatype=datatype,
            suffix=suffix,
            entities=self._entities(datatype, suffix, condition),
            expect=self._expect(),
            duplicates=self._one_of(
                "duplicates", raw.get("duplicates", "fail"), get_args(model.Duplicates)
            ),
            required=bool(raw.get("required", False)),
            priority=priority,
            supplement=self._supplement(),
            associated=self._associated(datatype, suffix),
            aslcontext=self._aslcontext(suffix),
            b0=self._b0(datatype),
        )

    def amend(self, rule: Rule) -> Rule:
        """The rule with what is said here in place of, or beside, what it says itself."""
        assert rule.datatype and rule.suffix
        changes: dict[str, Any] = {"amends": rule.index}
        if "entities" in self.raw:
            changes["entities"] = self._entities(
                rule.datatype, rule.suffix, rule.condition, rule.entities
            )
        if "supplement" in self.raw:
            changes["supplement"] = rule.supplement | self._supplement()
        if "expect" in self.raw:
            changes["expect"] = self._expect()
        if "aslcontext" in self.raw:
            changes["aslcontext"] = self._aslcontext(rule.suffix)
        if "b0" in self.raw:
            changes["b0"] = self._b0(rule.datatype)
        if "duplicates" in self.raw:
            changes["duplicates"] = self._one_of(
                "duplicates", self.raw["duplicates"], get_args(model.Duplicates)
            )
        return replace(rule, **changes)

    def closed(self, known: tuple[str, ...]) -> None:
        """Complain of a key that is not known."""
        self._closed("", self.raw, known)

    def _fail(self, key: str, what: str) -> NoReturn:
        raise ConfigError(f"{self.place}.{key}: {what}")

    def _closed(self, prefix: str, given: dict[str, Any], known: tuple[str, ...]) -> None:
        for key in given:
            if key not in known:
                self._fail(f"{prefix}{key}", f"unknown key; it takes {', '.join(known)}")

    def _one_of(self, key: str, value: Any, allowed: tuple[str, ...]) -> Any:
        if value not in allowed:
            self._fail(key, f"is one of {', '.join(allowed)}")
        return value

    def _expect(self) -> dict[str, Range]:
        given = self.raw.get("expect") or {}
        self._closed("expect.", given, keys(model.Expect))
        return {
            key: read_range(value, f"{self.place}.expect.{key}") for key, value in given.items()
        }

    def _target(self, to: str) -> tuple[str, str]:
        """Data type and suffix of a rule's `to`, such as `anat/T1w`, which BIDS must have."""
        datatype, _, suffix = to.rpartition("/")
        if names.kind(datatype, suffix) is None:
            suffixes = sorted(s for d, s in names.kinds() if d == datatype)
            allowed = (
                f"{datatype} takes {', '.join(suffixes)}"
                if suffixes
                else f"write datatype/suffix with one of {', '.join(names.MODALITIES)}"
            )
            self._fail("to", f"`{to}` is not in BIDS {names.bids_version()}; {allowed}")
        return datatype, suffix

    def _entities(
        self,
        datatype: str,
        suffix: str,
        condition: Condition,
        amended: Mapping[str, str] | None = None,
    ) -> dict[str, str]:
        given = {key: str(value) for key, value in (self.raw.get("entities") or {}).items()}
        given = {**(amended or {}), **given}
        kind = names.kind(datatype, suffix)
        assert kind is not None
        allowed = kind.allowed - {"sub", "ses"}
        for key, value in given.items():
            place = f"entities.{key}"
            if key not in allowed:
                order = sorted(allowed, key=lambda name: names.entities()[name].order)
                self._fail(place, f"{datatype}/{suffix} takes {', '.join(order)}")
            try:
                fields = {name for _, name, _, _ in string.Formatter().parse(value) if name}
            except ValueError:
                fields = {""}
            if missing := sorted(fields - condition.groups):
                self._fail(place, f"no regular expression of this rule has a group {missing[0]!r}")
            automatic = key in AUTOMATIC and value == AUTO
            if not fields and not automatic and (problem := names.value_problem(key, value)):
                self._fail(place, problem)
        if suffix == "physio":
            if given:
                self._fail("entities", "a log is named after its run; leave them out")
            return {}
        required = kind.required - {"sub", "ses"} - names.SPLIT_BY_CONVERTER
        raw = datatype.removeprefix(names.DERIVED)
        if raw != datatype and (raw, suffix) in names.kinds() and "desc" not in given:
            self._fail(
                "to", f"BIDS has {raw}/{suffix} among raw images; name that, or set entities.desc"
            )
        if absent := sorted(required - set(given)):
            self._fail("entities", f"{datatype}/{suffix} needs {', '.join(absent)}")
        return given

    def _supplement(self) -> dict[str, Any]:
        given = dict(self.raw.get("supplement") or {})
        for key in given:
            if key not in names.metadata_keys():
                self._fail(f"supplement.{key}", "BIDS knows no sidecar key of this name")
        return given

    def _associated(self, datatype: str, suffix: str) -> tuple[Companion, ...]:
        given = [kind for kind in associated.KINDS if kind in self.raw]
        if given and suffix == "physio":
            self._fail(given[0], "stands beside images, and a log is none")
        return tuple(
            companion
            for kind in given
            for companion in associated.parse(
                kind, datatype, self.raw[kind], self.place, self._fail
            )
        )

    def _aslcontext(self, suffix: str) -> tuple[str, ...]:
        given = tuple(str(value) for value in self.raw.get("aslcontext") or ())
        if given and suffix != "asl":
            self._fail("aslcontext", "only perf/asl has an aslcontext")
        for value in given:
            self._one_of("aslcontext", value, get_args(model.AslVolume))
        return given

    def _b0(self, datatype: str) -> B0:
        """A name by itself is what a field map is for, and what corrects any other image."""
        given = self.raw.get("b0")
        if not isinstance(given, dict):
            given = {"identifier" if datatype == "fmap" else "source": given or []}
        self._closed("b0.", given, keys(model.B0))
        found = {
            key: tuple(map(str, value if isinstance(value, list) else [value]))
            for key, value in given.items()
        }
        for key, values in found.items():
            if not all(re.fullmatch(r"[A-Za-z][0-9A-Za-z_]*", name) for name in values):
                place = f"b0.{key}" if isinstance(self.raw.get("b0"), dict) else "b0"
                self._fail(place, "takes names of letters, digits and _")
        return B0(**found)
