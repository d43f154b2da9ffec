"""The mapping: the rules of a project's config that turn series into BIDS names.

A rule matches on what the archive and the header say of a series and either names it
(`to`, `entities`) or says why it is left out (`ignore`). Everything that can be wrong with
a rule is found here, when the config is read, and named by its key.
"""

import hashlib
import json
import math
import re
import string
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coil.bids import names
from coil.bids.rules import AUTO, MATCH_KEYS, NUMBERS, TEXTS, Match, Range, Rule
from coil.errors import ConfigError

if TYPE_CHECKING:  # reading a config needs no DICOM library
    from coil.bids.series import Series

RULE_KEYS = (
    "match",
    "to",
    "ignore",
    "entities",
    "expect",
    "duplicates",
    "required",
    "priority",
    "supplement",
    "events",
    "aslcontext",
    "b0",
)
DUPLICATES = ("fail", "runs", "last-complete")
ASL_VOLUMES = ("control", "label", "m0scan", "deltam", "cbf", "noRF")

# What a rule may say only of a series that it names.
_NAMING_KEYS = tuple(key for key in RULE_KEYS if key not in ("match", "ignore", "to", "priority"))
_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Mapping:
    """The rules of a project and their digest (SHA-256 of the rules as JSON)."""

    rules: tuple[Rule, ...]
    digest: str

    def matches(self, series: "Series") -> list[Match]:
        """The rules of the highest priority among those that take the series.

        What the scanner computed is taken only by a rule that asks for it by `image_type`,
        or ignores it.
        """
        found = [match for rule in self.rules if (match := rule.match(series))]
        if series.is_derived:
            found = [match for match in found if match.rule.image_type or match.rule.ignore]
        highest = max((match.rule.priority for match in found), default=0)
        return [match for match in found if match.rule.priority == highest]


def parse(rules: list[dict[str, Any]], where: str = "bids.mapping") -> Mapping:
    """Compile the rules of a config.

    Parameters
    ----------
    rules
        `bids.mapping` as read from YAML.
    where
        What stands before `[i]` in an error, such as `config/projects/demo.yaml: bids.mapping`.

    Raises
    ------
    ConfigError
        One line: the rule, the key, what is wrong and what is allowed.
    """
    compiled = tuple(_Parser(f"{where}[{i}]", rule).parse(i) for i, rule in enumerate(rules))
    text = json.dumps(rules, sort_keys=True, separators=(",", ":"), default=str)
    return Mapping(compiled, hashlib.sha256(text.encode()).hexdigest())


class _Parser:
    """Reads one rule; every complaint starts with the rule's place and the key."""

    def __init__(self, where: str, raw: dict[str, Any]) -> None:
        self.where = where
        self.raw = raw

    def parse(self, index: int) -> Rule:
        raw = self.raw
        match = raw.get("match") or {}
        self._closed("", raw, RULE_KEYS)
        self._closed("match.", match, MATCH_KEYS)
        if not match:
            self._fail("match", "is empty and would take every series; name at least one condition")
        if ("to" in raw) == ("ignore" in raw):
            self._fail("to", "a rule has either `to` or `ignore`")
        texts = {key: self._pattern(key, match[key]) for key in TEXTS if key in match}
        tokens = match.get("image_type", [])
        image_type = frozenset(
            str(token).upper() for token in ([tokens] if isinstance(tokens, str) else tokens)
        )
        numbers = {key: self._range(key, match[key]) for key in NUMBERS if key in match}
        priority = int(raw.get("priority", 0))
        if "ignore" in raw:
            if extra := [key for key in _NAMING_KEYS if key in raw]:
                self._fail(extra[0], "means nothing for a series that is ignored; remove it")
            reason = str(raw["ignore"])
            return Rule(
                index,
                texts,
                image_type,
                numbers,
                ignore=" ".join(reason.split()),
                priority=priority,
            )
        datatype, suffix = self._target(str(raw["to"]))
        return Rule(
            index,
            texts,
            image_type,
            numbers,
            datatype,
            suffix,
            self._entities(datatype, suffix, texts),
            volumes=(raw.get("expect") or {}).get("volumes"),
            duplicates=self._one_of("duplicates", raw.get("duplicates", "fail"), DUPLICATES),
            required=bool(raw.get("required", False)),
            priority=priority,
            supplement=self._supplement(),
            events=self._events(datatype),
            aslcontext=self._aslcontext(suffix),
            b0=self._b0(),
        )

    def _fail(self, key: str, what: str) -> None:
        raise ConfigError(f"{self.where}.{key}: {what}")

    def _closed(self, prefix: str, given: dict[str, Any], known: tuple[str, ...]) -> None:
        for key in given:
            if key not in known:
                self._fail(f"{prefix}{key}", f"unknown key; it takes {', '.join(known)}")

    def _one_of(self, key: str, value: Any, allowed: tuple[str, ...]) -> Any:
        if value not in allowed:
            self._fail(key, f"is one of {', '.join(allowed)}")
        return value

    def _pattern(self, key: str, value: Any) -> re.Pattern[str]:
        try:
            return re.compile(str(value))
        except re.error as error:
            raise ConfigError(
                f"{self.where}.match.{key}: not a regular expression ({error})"
            ) from None

    def _range(self, key: str, value: Any) -> Range:
        if isinstance(value, dict):
            self._closed(f"match.{key}.", value, ("min", "max"))
            return Range(float(value.get("min", -math.inf)), float(value.get("max", math.inf)))
        margin = abs(float(value)) * _TOLERANCE
        return Range(float(value) - margin, float(value) + margin)

    def _target(self, to: str) -> tuple[str, str]:
        datatype, _, suffix = to.partition("/")
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
        self, datatype: str, suffix: str, texts: dict[str, re.Pattern[str]]
    ) -> dict[str, str]:
        given = {key: str(value) for key, value in (self.raw.get("entities") or {}).items()}
        kind = names.kind(datatype, suffix)
        assert kind is not None
        allowed = kind.allowed - {"sub", "ses"}
        groups = {name for pattern in texts.values() for name in pattern.groupindex}
        for key, value in given.items():
            place = f"entities.{key}"
            if key not in allowed:
                order = sorted(allowed, key=lambda name: names.entities()[name].order)
                self._fail(place, f"{datatype}/{suffix} takes {', '.join(order)}")
            try:
                fields = {name for _, name, _, _ in string.Formatter().parse(value) if name}
            except ValueError:
                fields = {""}
            if missing := sorted(fields - groups):
                self._fail(place, f"no regular expression of this rule has a group {missing[0]!r}")
            automatic = key == "run" and value == AUTO
            if not fields and not automatic and (problem := names.value_problem(key, value)):
                self._fail(place, problem)
        required = kind.required - {"sub", "ses"} - names.SPLIT_BY_CONVERTER
        if absent := sorted(required - set(given)):
            self._fail("entities", f"{datatype}/{suffix} needs {', '.join(absent)}")
        return given

    def _supplement(self) -> dict[str, Any]:
        given = dict(self.raw.get("supplement") or {})
        for key in given:
            if key not in names.metadata_keys():
                self._fail(f"supplement.{key}", "BIDS knows no sidecar key of this name")
        return given

    def _events(self, datatype: str) -> dict[str, str] | None:
        given = self.raw.get("events")
        if given is None:
            return None
        if datatype != "func":
            self._fail("events", "only a func series has events")
        self._closed("events.", given, ("resource", "file"))
        if "resource" not in given:
            self._fail("events.resource", "name the session resource that holds the files")
        return {"resource": str(given["resource"]), "file": str(given.get("file", "*.tsv"))}

    def _aslcontext(self, suffix: str) -> tuple[str, ...]:
        given = tuple(str(value) for value in self.raw.get("aslcontext") or ())
        if given and suffix != "asl":
            self._fail("aslcontext", "only perf/asl has an aslcontext")
        for value in given:
            self._one_of("aslcontext", value, ASL_VOLUMES)
        return given

    def _b0(self) -> str | None:
        given = self.raw.get("b0")
        if given is not None and not re.fullmatch(r"[A-Za-z][0-9A-Za-z_]*", str(given)):
            self._fail("b0", "takes a name of letters, digits and _")
        return None if given is None else str(given)
