"""A project's config, proposed from its series, with the reason beside each rule."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from coil.bids.draft.guess import UNKNOWN_TASK
from coil.bids.draft.kinds import Kind, gather
from coil.bids.mapping.rules import TODO
from coil.bids.series.series import Series
from coil.records.pulled import PulledScan

_USUAL = 0.8
"""The share of series that have to agree before a number is expected of all."""

_ENOUGH = 3
"""Sessions before anything is said to be the rule."""

_HEAD = """\
# {project}: a draft, proposed from the {kinds} that the archive lists in {sessions}.
# Names were guessed{how}; read each rule before you believe it. TODO marks what needs you.
# config/README.md explains every key. See what this draft does:  snakemake ... preview
"""


@dataclass(frozen=True)
class Draft:
    """The text of a config, and how many kinds of series it names, leaves out, leaves open."""

    text: str
    named: int
    ignored: int
    open: int


def draft(
    project: str,
    server: str,
    sessions: Sequence[Iterable[Series]],
    headers: bool = False,
    bidsmap: bool = False,
) -> Draft:
    """The draft of a project's config.

    Parameters
    ----------
    project
        The archive's ID of the project.
    server
        Its address, or "" where the environment says it.
    sessions
        The series of each session, as listed or with their headers.
    headers
        Whether headers were read.
    bidsmap
        Whether the archive holds a bidsmap, which may be used in place of rules.
    """
    sessions = [list(session) for session in sessions]
    kinds = gather(sessions)
    total = len(sessions)
    reproin = _is_reproin(kinds)
    if reproin:
        kinds = [kind for kind in kinds if not _reproin_name(kind.example)]
    named = [kind for kind in kinds if kind.named]
    ignored = [kind for kind in kinds if not kind.guess.to and kind.guess.sure]
    asked = [kind for kind in kinds if not kind.guess.sure]
    how = " by name and header" if headers else " by name alone"
    lines = [
        _HEAD.format(
            project=_comment(project),
            kinds=_plural(len(kinds), "kind") + " of series",
            sessions=_plural(total, "session"),
            how=how,
        )
    ]
    lines.append(f"project: {quote(project)}")
    if server:
        lines.append(f"archive: {{server: {quote(server)}}}")
    lines += ["", "bids:", f"  name: {quote(project)}  # TODO: the dataset's name"]
    if any(kind.guess.to.startswith("fmap/") for kind in named):
        lines.append("  field_maps: by_match  # each image takes the field map that fits it")
    lines.append("  mapping:")
    if bidsmap:
        lines += [
            "    # The archive holds a bidsmap; it could stand in place of the rules it covers.",
            "    # - {use: bidsmap}",
            "",
        ]
    if reproin:
        lines += [
            "    # Most series bear ReproIn names, which say what they are.",
            "    - {use: reproin}",
            "",
        ]
    if asked:
        lines += ["    # ---- To decide"]
        lines += [line for kind in asked for line in _rule(kind, total)]
    for datatype in dict.fromkeys(kind.guess.to.split("/")[0] for kind in named):
        lines += [f"    # ---- {datatype}"]
        for kind in named:
            if kind.guess.to.startswith(f"{datatype}/") and not kind.is_log:
                lines += _rule(kind, total)
        logs = [kind for kind in named if kind.guess.to == f"{datatype}/physio"]
        lines += _together(f"to: {datatype}/physio", logs)
    if ignored:
        lines += ["    # ---- Left out"]
        for reason in dict.fromkeys(kind.guess.ignore for kind in ignored):
            alike = [kind for kind in ignored if kind.guess.ignore == reason]
            lines += _together(f"ignore: {quote(reason)}", alike)
    return Draft("\n".join(lines).rstrip() + "\n", len(named), len(ignored), len(asked))


def quote(text: str) -> str:
    """A text as a YAML scalar in one line, plain where that is safe."""
    if text and all(c.isalnum() or c in "_-/." for c in text) and not text[0].isdigit():
        plain = text.lower() not in ("yes", "no", "true", "false", "null", "on", "off", "y", "n")
        if plain and text[0].isalpha():
            return text
    return "'" + "".join(c if c.isprintable() else " " for c in text).replace("'", "''") + "'"


def _rule(kind: Kind, total: int) -> list[str]:
    one = kind.guess
    lines = [f"    # {_occurs(kind, total)}{f'; {_comment(one.why)}' if one.why else ''}"]
    match = [f"{kind.key}: {quote(f'^{kind.pattern}$')}"]
    if one.image_type:
        words = sorted(one.image_type)
        match.append(f"image_type: {_list(words)}")
    lines.append(f"    - match: {{{', '.join(match)}}}")
    named = []
    if one.to:
        named.append(f"to: {one.to}")
    if entities := kind.entities:
        told = ", ".join(f"{key}: {_value(value)}" for key, value in entities.items())
        todo = "  # TODO: name the task" if entities.get("task") == UNKNOWN_TASK else ""
        named.append(f"entities: {{{told}}}{todo}")
    if not one.sure:  # with what to write in its place, if the guess is right
        reason = one.ignore or f"{TODO}probably {one.to}; look at it"
        lines.append(f"      ignore: {quote(reason)}")
        return [*lines, *(f"      # {line}" for line in named), ""]
    lines += [f"      {line}" for line in named]
    if expected := _expect(kind):
        lines.append(f"      expect: {{{expected}}}")
    lines.append(f"      duplicates: {_duplicates(kind)}")
    if total >= _ENOUGH and len(kind.sessions) == total and not one.image_type:
        lines.append("      required: true")
    return [*lines, ""]


def _together(what: str, kinds: Sequence[Kind]) -> list[str]:
    """One rule for kinds of which the same becomes; none for no kind."""
    lines = []
    for key in dict.fromkeys(kind.key for kind in kinds):
        patterns = dict.fromkeys(kind.pattern for kind in kinds if kind.key == key)
        inner = "|".join(patterns)
        pattern = f"^(?:{inner})$" if len(patterns) > 1 else f"^{inner}$"
        scans = sum(kind.sessions.total() for kind in kinds if kind.key == key)
        lines += [
            f"    # {_plural(scans, 'scan')}, {_plural(len(patterns), 'name')}",
            f"    - match: {{{key}: {quote(pattern)}}}",
            f"      {what}",
            "",
        ]
    return lines


def _occurs(kind: Kind, total: int) -> str:
    scans = _plural(kind.sessions.total(), "scan")
    return f"{scans} in {len(kind.sessions)} of {_plural(total, 'session')}" + (
        "; the header tells which" if kind.choices > 1 else ""
    )


def _expect(kind: Kind) -> str:
    """What most series of the kind have: volumes where headers tell them, else files."""
    if len(kind.sessions) < _ENOUGH:
        return ""
    if (number := _mode(kind.volumes)) > 1:
        return f"volumes: {number}"
    if kind.volumes or kind.guess.image_type:  # the files may be those of another kind
        return ""
    number = _mode(kind.files)
    return f"files: {number}" if number > 1 else ""


def _mode(counts: Counter[int]) -> int:
    """The value that most have; 0 where they differ."""
    if not counts:
        return 0
    value, number = counts.most_common(1)[0]
    return value if number >= _USUAL * counts.total() else 0


def _duplicates(kind: Kind) -> str:
    """Several in most sessions are runs; several in a few are repetitions."""
    several = {session for (session, _), n in kind.same.items() if n > kind.choices}
    by_name = "run" in kind.variables or kind.guess.to.startswith("anat/")
    return "runs" if not by_name and 2 * len(several) > len(kind.sessions) else "last-complete"


def _is_reproin(kinds: Sequence[Kind]) -> bool:
    """Whether the project's protocols are named by the ReproIn convention."""
    of_subject = [kind.example for kind in kinds if kind.guess.to]
    named = [text for text in of_subject if "-" in text and _reproin_name(text)]
    return 2 * len(named) > len(of_subject)


def _reproin_name(text: str) -> bool:
    """Whether the convention names a series of this description."""
    from coil.bids.mapping.sources import reproin  # its parser costs 0.4 s

    series = Series.from_listing(PulledScan(series_description=text))
    return any(not named.problem for named in reproin.name([series]))


def _value(value: str) -> str:
    return f"'{value}'" if value.startswith("{") or value.isdigit() else quote(value)


def _list(words: Sequence[str]) -> str:
    return quote(words[0]) if len(words) == 1 else f"[{', '.join(map(quote, words))}]"


def _comment(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
