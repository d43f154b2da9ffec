"""From series to kinds of series: those of one rule, with the pattern that takes them.

Series are of one kind whose names differ in what an entity holds, and nothing else: the run,
the direction, the task that the name itself calls so.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from coil.bids import names
from coil.bids.draft.guess import Guess, guess
from coil.bids.series.series import Series

_RUN = re.compile(r"(?i)(?<![a-z0-9])run[-_ ]?(\d{1,3})(?!\d)")
_DIRECTION = re.compile(r"(?i)(?<![a-z0-9])(AP|PA|LR|RL|SI|IS|HF|FH)(?![a-z0-9])")
# What a name says of itself in the words of BIDS: `task-rest`, `acq-highres`.
_SAID = {
    name: re.compile(rf"(?<![A-Za-z0-9]){name}-([A-Za-z0-9]+)") for name in ("task", "acq", "rec")
}
_SPECIAL = re.compile(r"([.^$*+?{}\[\]\\|()])")
_WORDS = re.compile(r"[A-Za-z0-9]+")


@dataclass
class Kind:
    """Series that one rule is to take: its key and pattern, the guess, and how often it occurs.

    `parts` are the texts between the variable entities `variables`, of which `values` holds
    what was seen. `sessions` counts the series in each session that has one, `same` those of
    them that would get one name; `choices` is the number of guesses of which the header
    tells the right one.
    """

    key: str
    parts: tuple[str, ...]
    variables: tuple[str, ...]
    guess: Guess
    values: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    sessions: Counter[int] = field(default_factory=Counter)
    same: Counter[tuple[int, tuple[str, ...]]] = field(default_factory=Counter)
    choices: int = 1
    files: Counter[int] = field(default_factory=Counter)
    volumes: Counter[int] = field(default_factory=Counter)
    common: frozenset[str] | None = None
    every: frozenset[str] = frozenset()

    @property
    def example(self) -> str:
        """The name of one of its series."""
        values = [min(self.values[name]) for name in self.variables]
        return "".join(part + value for part, value in zip(self.parts, [*values, ""], strict=True))

    @property
    def pattern(self) -> str:
        """The regular expression of the name, without its anchors."""
        pattern = escape(self.parts[0])
        for name, part in zip(self.variables, self.parts[1:], strict=True):
            seen = sorted(self.values[name])
            if name in self.literal:
                pattern += escape(seen[0] + part)
                continue
            inner = r"\d+" if name == "run" else "|".join(map(escape, seen))
            pattern += f"(?P<{name}>{inner}){escape(part)}"
        return pattern

    @property
    def entities(self) -> dict[str, str]:
        """The entities of its name, in the order of BIDS: literal, or taken from the pattern."""
        found = self.guess.entities | {name: f"{{{name}}}" for name in self.variables}
        found |= self.literal
        order = names.entities()
        return dict(sorted(found.items(), key=lambda item: order[item[0]].order))

    @property
    def literal(self) -> dict[str, str]:
        """What could vary, but was the same in every series; another run is always possible."""
        return {
            name: next(iter(self.values[name]))
            for name in self.variables
            if name != "run" and len(self.values[name]) == 1
        }

    @property
    def is_log(self) -> bool:
        """Whether it is a log of physiology, which is named after its run."""
        return self.guess.to.endswith("/physio")

    @property
    def named(self) -> bool:
        """Whether its rule gives a name, and not a reason or a question."""
        return bool(self.guess.to) and self.guess.sure


def escape(text: str) -> str:
    """A text as a regular expression that takes it alone, in printable characters."""
    plain = _SPECIAL.sub(r"\\\1", text)
    return "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in plain)


def gather(sessions: Sequence[Iterable[Series]]) -> list[Kind]:
    """The kinds of series of all sessions, in the order in which they are acquired."""
    found: dict[tuple[object, ...], Kind] = {}
    guessed: dict[Series, tuple[Guess, ...]] = {}
    for number, session in enumerate(sessions):
        for series in session:
            told = replace(series, scan=None, folder=None, files=0, note="", quality="")
            if told not in guessed:
                guessed[told] = guess(told)
            for one in guessed[told]:
                if kind := _kind(series, one):
                    known = found.setdefault(_identity(kind), kind)
                    known.choices = len(guessed[told])
                    _count(known, kind, series, number)
    kinds = list(found.values())
    _tell_apart(kinds)
    _name_apart(kinds)
    return [kind for kind in kinds if kind.guess.to or not _is_shadowed(kind, kinds)]


def _kind(series: Series, one: Guess) -> Kind | None:
    """The kind of one series; None where it has no name at all."""
    key = "series_description" if series.series_description else "scan_type"
    text = series.series_description or series.type
    if not text:
        return None
    spans: list[tuple[int, int, str]] = []
    if one.to:
        allowed = _allowed(one.to)
        for name, pattern in {"run": _RUN, "dir": _DIRECTION, **_SAID}.items():
            places = list(pattern.finditer(text))
            known = name != "dir" or name in one.entities
            if len(places) == 1 and name in allowed and known:
                spans.append((*places[0].span(1), name))
    spans.sort()
    parts, start = [], 0
    kind = Kind(key, (), tuple(name for *_, name in spans), one)
    for begin, end, name in spans:
        parts.append(text[start:begin])
        kind.values[name].add(text[begin:end])
        start = end
    kind.parts = (*parts, text[start:])
    fixed = {name: value for name, value in one.entities.items() if name not in kind.variables}
    kind.guess = replace(one, entities=fixed)
    return kind


def _allowed(to: str) -> frozenset[str]:
    if to.endswith("/physio"):
        return frozenset()
    known = names.kind(*to.split("/"))
    return known.allowed if known else frozenset()


def _identity(kind: Kind) -> tuple[object, ...]:
    one = kind.guess
    entities = tuple(sorted(one.entities.items()))
    return kind.key, kind.parts, kind.variables, one.to, one.ignore, entities, one.image_type


def _count(known: Kind, kind: Kind, series: Series, session: int) -> None:
    for name, values in kind.values.items():
        known.values[name] |= values
    known.sessions[session] += 1
    known.same[session, tuple(value for seen in kind.values.values() for value in seen)] += 1
    if series.files is not None:
        known.files[series.files] += 1
    if not series.listed and series.volumes:
        known.volumes[series.volumes] += 1
    tokens = frozenset(token.upper() for token in series.image_type or ())
    known.common = tokens if known.common is None else known.common & tokens
    known.every |= tokens


def _tell_apart(kinds: list[Kind]) -> None:
    """Ask for a word of ImageType where kinds share a name and only the header tells them."""
    for kind in kinds:
        rivals = [one for one in kinds if one is not kind and _same_name(one, kind)]
        rivals = [one for one in rivals if one.guess.to and kind.guess.to]
        if not rivals or kind.guess.image_type:
            continue
        own = (kind.common or frozenset()) - frozenset().union(*(one.every for one in rivals))
        if own:
            word = min(own, key=lambda token: (token not in ("M", "P"), len(token), token))
            kind.guess = replace(kind.guess, image_type=frozenset({word}))


def _same_name(one: Kind, other: Kind) -> bool:
    return (one.key, one.parts, one.variables) == (other.key, other.parts, other.variables)


def _is_shadowed(kind: Kind, kinds: list[Kind]) -> bool:
    """Whether a rule that names takes the same names: what is computed is left out anyway."""
    return any(one.guess.to and _same_name(one, kind) for one in kinds if one is not kind)


def _name_apart(kinds: list[Kind]) -> None:
    """Give kinds that would get one name in a session an `acq` of the words that differ."""
    same: dict[tuple[object, ...], list[Kind]] = defaultdict(list)
    for kind in kinds:
        if kind.named and "acq" in _allowed(kind.guess.to):
            same[kind.guess.to, tuple(kind.entities.items())].append(kind)
    for rivals in same.values():
        together = [one for one in rivals if any(_meet(one, other) for other in rivals)]
        words = [_words(one) for one in together]
        shared = set.intersection(*map(set, words)) if words else set()
        labels = Counter[str]()
        for one, own in zip(together, words, strict=True):
            label = one.guess.entities.get("acq", "") + "".join(
                word for word in own if word not in shared
            )
            labels[label] += 1
            label += str(labels[label]) if labels[label] > 1 else ""
            if label:
                one.guess = replace(one.guess, entities=one.guess.entities | {"acq": label})


def _meet(one: Kind, other: Kind) -> bool:
    return one is not other and bool(one.sessions.keys() & other.sessions.keys())


def _words(kind: Kind) -> list[str]:
    return _WORDS.findall(" ".join(kind.parts))
