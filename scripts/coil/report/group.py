"""Numbers of many sessions side by side: outliers by robust z, strip plots, protocol."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from coil.records.analysis import MeasuredImage
from coil.report import page, words
from coil.words import plural

LIMIT = 3.5
AWAY = 0.1
FEWEST = 6
SHOWN = {
    "bold": ("tsnr_median", "fd_mean", "dvars_std", "outlier_fraction", "gcor", "efc"),
    "dwi": ("volumes", "directions", "outlier_slices"),
}
Labelled = tuple[str, MeasuredImage]
"""An image, and the label of its session."""
_ANATOMICAL = ("snr_air", "efc", "fber")

_WIDTH, _LEFT, _RIGHT = 320, 12, 12


@dataclass(frozen=True)
class Value:
    """One image's number: its session's label, the file, the number in the label's unit."""

    session: str
    file: str
    value: float


@dataclass(frozen=True)
class Dot:
    """One value in a strip plot; `out` is whether it stands out."""

    x: float
    y: int
    out: bool
    text: str


@dataclass(frozen=True)
class Difference:
    """A value of a protocol's field that is not the usual one of a kind of image."""

    kind: str
    field: str
    usual: str
    value: str
    sessions: tuple[str, ...]


@dataclass(frozen=True)
class Strip:
    """A strip plot: geometry in the units of its SVG and what to say about it."""

    title: str
    about: str
    summary: str
    verdict: str
    dots: list[Dot]
    box: tuple[float, float, float] | None
    ticks: list[tuple[float, str]]
    outliers: list[tuple[str, str]]


def outlying_scores(values: Sequence[float]) -> list[float | None] | None:
    """The robust z of each value that stands out, None for the others; None if not judged.

    A value stands out beyond `LIMIT` and when it is away from the median by at least the
    share `AWAY` of it: among numbers that hardly differ, a large z means little.
    """
    scores = robust_z(values)
    if scores is None:
        return None
    centre = median(values)
    return [
        score if abs(score) > LIMIT and abs(value - centre) >= AWAY * abs(centre) else None
        for score, value in zip(scores, values, strict=True)
    ]


def robust_z(values: Sequence[float]) -> list[float] | None:
    """Modified z scores 0.6745 * (x - median) / MAD; None where they mean nothing.

    Iglewicz & Hoaglin, "How to detect and handle outliers", 1993. They mean nothing for
    fewer than `FEWEST` values and where half of the values are equal.
    """
    if len(values) < FEWEST:
        return None
    centre = median(values)
    spread = median(abs(value - centre) for value in values)
    # Numbers are kept to six digits; a smaller spread is rounding.
    if spread <= 1e-6 * max(abs(centre), 1e-12):
        return None
    return [0.6745 * (value - centre) / spread for value in values]


def kind(file: str) -> str:
    """The kind of comparable images: the name without subject, session and run."""
    parts = page.base_name(file).split("_")
    return "_".join(part for part in parts if not part.startswith("run-"))


def gather(images: Iterable[Labelled]) -> dict[str, dict[str, list[Value]]]:
    """Kind of image to metric to values, both sorted by kind and in the order of `SHOWN`.

    `images` are those of all sessions, each with its session's label.
    """
    groups: dict[str, dict[str, list[Value]]] = defaultdict(lambda: defaultdict(list))
    for label, image in images:
        for name in SHOWN.get(image.suffix, _ANATOMICAL):
            value = image.metrics.get(name)
            if isinstance(value, int | float):
                scaled = value * words.metric(name).factor
                groups[kind(image.file)][name].append(Value(label, image.file, scaled))
    return {key: dict(groups[key]) for key in sorted(groups)}


def strip(name: str, values: Sequence[Value]) -> Strip:
    """The strip plot of one metric over all images of a kind."""
    word = words.metric(name)
    numbers = [value.value for value in values]
    low, high = min(numbers), max(numbers)
    pad = (high - low) * 0.06 or max(abs(high) * 0.1, 0.5)
    low, high = low - pad, high + pad

    def place(value: float) -> float:
        return round(_LEFT + (value - low) / (high - low) * (_WIDTH - _LEFT - _RIGHT), 1)

    scores = outlying_scores(numbers)
    dots = []
    outliers = []
    taken: Counter[int] = Counter()
    order = sorted(range(len(values)), key=lambda index: (numbers[index], values[index].file))
    for index in order:
        value = values[index]
        x = place(value.value)
        row = taken[int(x // 9)]
        taken[int(x // 9)] += 1
        score = scores[index] if scores else None
        text = f"{value.session}: {_unscaled(value.value, word)}"
        offset = (row + 1) // 2 * (8 if row % 2 else -8)
        dots.append(Dot(x, 40 + max(-24, min(24, offset)), score is not None, text))
        if score is not None:
            outliers.append((text, f"z = {words.number(round(score, 1))}"))
    centre = median(numbers)
    box = None
    if len(numbers) >= FEWEST:
        first, _, third = quantiles(numbers, n=4, method="inclusive")
        box = (place(first), place(centre), place(third))
    spread = median(abs(number - centre) for number in numbers)
    return Strip(
        title=word.label + (f" ({word.units})" if word.units else ""),
        about=word.about,
        summary=f"n = {len(numbers)}, median {words.number(float(centre))}, "
        f"MAD {words.number(float(spread))}",
        verdict=_verdict(len(numbers), scores, len(outliers)),
        dots=dots,
        box=box,
        ticks=[(place(tick), f"{tick:,.10g}".replace("-", "\u2212")) for tick in _ticks(low, high)],
        outliers=outliers,
    )


def strips(metrics: Mapping[str, Sequence[Value]]) -> tuple[list[Strip], list[str]]:
    """The strip plots of a kind of image, and a line for each number that never differs."""
    plots, equal = [], []
    for name, values in metrics.items():
        if len(values) > 1 and len({value.value for value in values}) == 1:
            word = words.metric(name)
            equal.append(f"{word.label}: {_unscaled(values[0].value, word)}")
        else:
            plots.append(strip(name, values))
    return plots, equal


def outlying(groups: Mapping[str, Mapping[str, Sequence[Value]]]) -> dict[str, dict[str, float]]:
    """File to metric to robust z, for the values that stand out."""
    result: dict[str, dict[str, float]] = defaultdict(dict)
    for metrics in groups.values():
        for name, values in metrics.items():
            scores = outlying_scores([value.value for value in values])
            for value, score in zip(values, scores or [], strict=False):
                if score is not None:
                    result[value.file][name] = score
    return dict(result)


def protocol_differences(images: Iterable[Labelled]) -> list[Difference]:
    """Images whose protocol is not the usual one of their kind."""
    seen: dict[tuple[str, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for label, image in images:
        for key, value in image.protocol.items():
            seen[kind(image.file), key][json.dumps(value)].append(label)
    rows: list[Difference] = []
    for (image_kind, key), labels in sorted(seen.items()):
        usual = max(sorted(labels), key=lambda value: len(labels[value]))
        word = words.field(key)
        shown = {value: words.number(json.loads(value), word) for value in labels}
        rows += [
            Difference(image_kind, word.label, shown[usual], shown[value], _once(labels[value]))
            for value in sorted(labels)
            if value != usual
        ]
    return rows


def _once(labels: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(labels)))


def _verdict(count: int, scores: list[float | None] | None, outliers: int) -> str:
    if count < FEWEST:
        return f"too few images to judge outliers (fewer than {FEWEST})"
    if scores is None:
        return "half of the images are equal: outliers are not judged"
    return plural(outliers, "outlier") if outliers else "no outlier"


def _unscaled(value: float, word: words.Word) -> str:
    return words.number(value, words.Word("", word.units))


def _ticks(low: float, high: float) -> list[float]:
    """Three to six round numbers between `low` and `high`."""
    for exponent in range(-9, 12):
        for base in (1, 2, 5):
            step = base * 10.0**exponent
            first = -(-low // step)
            count = int(high // step - first) + 1
            if count <= 5:
                return [round((first + index) * step, 10) for index in range(max(count, 0))]
    return []
