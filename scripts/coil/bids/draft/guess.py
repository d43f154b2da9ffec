"""What a series probably is, by its name and, where it was read, its header.

The way of thinking is that of dcm2niix's BidsGuess: what the scanner says of itself first
(ImageType, the sequence's name), then the words of the protocol (`coil.bids.draft.clues`), then
timing. A guess that somebody should look at says so.
"""

import re
from dataclasses import dataclass, field, replace

from coil.bids.draft import clues
from coil.bids.draft.clues import normal
from coil.bids.mapping.rules import TODO
from coil.bids.series.series import Series

UNKNOWN_TASK = "TODO"

_DIRECTION = re.compile(r"_(?:dir_?)?(ap|pa|lr|rl|si|is|hf|fh)_")
_SPELLED = re.compile(r"_([aplr])_(?:to_)?([aplr])_")
_DIRECTIONS = {"AP", "PA", "LR", "RL", "SI", "IS", "HF", "FH"}
_EMISSION = re.compile(r"_n?ac_images_")
_B_VALUES = re.compile(r"(?<=_)b(\d+)(?=_)")
_PHASE = re.compile(r"_(?:pha|ph|phase)(?:_images?)?_")
_CONTRAST = re.compile(r"_(?:post|gd|gad|ce|\+?c)_")
_INVERSION = re.compile(r"_inv_?(\d)_")
_TASK = re.compile(r"_task_([a-z0-9]+)_")
_FEW = 5
_LONG_ECHO, _LONG_INVERSION = 60.0, 1500.0

# Words of a functional series' name that are no task.
_NO_TASK = re.compile(
    r"(?:\w*bold\w*|\w*f?mri|func(?:tional)?|epi\w*|ep2d\w*|\w*epi|fe|gre|ge|cmrr|mb\w*|sms\w*|me\w*|ax(?:ial)?|tra|sag|cor|"
    r"run\d*|r\d|scan\d*|task|dir|ap|pa|lr|rl|sb|ref|sbref|iso\w*|mm|tr\w*|te\w*|p\d|s\d|g\d|ipat\d*|x\d+|n\d+|fa\d+|"
    r"\d+\w{0,3}|moco|pace|mag|phase?|pha|ph|new|old|v\d*|ver\d*|sense|clear|wip|std|hr|lr|hires|lowres|series|test|"
    r"part\d*|block\d*|session|ses\d*|echo\d*|vols?|dyn\w*|acq|arc|asset|multi|band|norm|nd|interleaved|ascending|sequential|"
    r"to|and|the|of|in|rs?fc|e\d|ffe|fid|\w*epfid\w*|pulse|seq|cub\w*|resolution|[a-z])"
)
_REST = re.compile(r"_\w*rest(?:ing)?\w*_|_rs_?f?c?(?:mri|bold)?_|_rsf\w*_|_eyes_?(?:open|closed)_")


@dataclass(frozen=True)
class Guess:
    """What a series probably is: a target with entities, or why it is left out.

    `image_type` are words that its rule has to ask for, to tell it from others of its name;
    `why` is what the guess rests on, in a few words.
    """

    to: str = ""
    entities: dict[str, str] = field(default_factory=dict)
    ignore: str = ""
    why: str = ""
    sure: bool = True
    image_type: frozenset[str] = frozenset()


def guess(series: Series) -> tuple[Guess, ...]:
    """What the series is: one guess, or several where only its header tells which.

    The order of the questions matters: what is no image, field maps, what the scanner
    computed, diffusion, perfusion, function, anatomy.
    """
    name = _name(series)
    if clues.PHYSIO.word(name):
        return (_log(name),)
    aside = None if _EMISSION.search(name) else _first(clues.ASIDE, name)
    if aside or not series.is_image:
        return (aside or Guess(ignore=clues.REPORT, why="it holds no image"),)
    if clues.PET.word(name) or "Positron" in (series.sop_class or ""):
        return (Guess("pet/pet", why=f"by the word {clues.PET.word(name) or 'PET'}"),)
    if "mp2rage" in name:
        return (_mp2rage(name),)
    tokens = {token.upper() for token in series.image_type or ()}
    if found := _gradient_echo(series, name, tokens):
        return found
    if tokens & {"DERIVED", "MOCO"}:
        return (Guess(ignore=clues.COMPUTED, why="by its ImageType"),)
    if (found := _first(clues.DERIVED, name)) or name.startswith("_mpr_"):
        return (found or Guess(ignore=clues.COMPUTED, why="a reformatted volume, by its name"),)
    return (_echo_planar(series, name, tokens) or _anatomy(series, name, tokens),)


def _name(series: Series) -> str:
    """The words of its name; the archive's type of the scan where it has no other."""
    return normal(series.series_description or series.protocol_name or series.type)


def _first(table: tuple[clues.Clue, ...], name: str) -> Guess | None:
    for clue in table:
        if word := clue.word(name):
            return Guess(clue.to, {}, clue.ignore, f"by the word {word}", clue.sure)
    return None


def _log(name: str) -> Guess:
    """A log of physiology, which is named after the run that it describes alike."""
    kinds = {"perf": clues.ASL, "dwi": clues.DWI}
    datatype = next((kind for kind, clue in kinds.items() if clue.word(name)), "func")
    return Guess(f"{datatype}/physio", why="a log of physiology, named after its run")


def _mp2rage(name: str) -> Guess:
    if found := _INVERSION.search(name):
        return Guess("anat/MP2RAGE", {"inv": found[1]}, why="by its inversion")
    if "_uni" in name:
        return Guess("anat/UNIT1", why="by the word uni", image_type=frozenset({"UNI"}))
    if re.search(r"_t1_(images|map)_", name):
        asked = frozenset({"T1 MAP"})
        return Guess("anat/T1map", why="a map of MP2RAGE", image_type=asked)
    return Guess(ignore=f"{TODO}a part of MP2RAGE; its name does not say which", sure=False)


def _gradient_echo(series: Series, name: str, tokens: set[str]) -> tuple[Guess, ...]:
    """Maps of B1 and B0; of the latter, ImageType tells magnitude and phase apart."""
    if found := _first(clues.B1, name):
        return (found,)
    word = clues.GRE.word(name)
    if not word or clues.PEPOLAR.word(name) or clues.DWI.word(name):
        return ()
    why = f"by the word {word}"
    if (direction := _direction(series, name, by_header=False)) and "gre" not in name:
        return (Guess("fmap/epi", {"dir": direction}, why=f"{why} and a direction"),)
    rest = name.replace(f"_{word}", "")
    if re.search(r"_ph(?:a|ase)?\w*_", rest):
        return (Guess("fmap/phasediff", why=why),)
    if re.search(r"_mag\w*_", rest):
        return (Guess("fmap/magnitude", why=why),)
    maker = (series.manufacturer or "").lower()
    kinds = [("fmap/magnitude", "M"), ("fmap/phasediff", "P")]
    if maker.startswith("philips"):
        kinds[1] = ("fmap/fieldmap", "B0 MAP")
    if maker.startswith("ge"):
        return (Guess("fmap/fieldmap", why=why, image_type=frozenset(tokens & {"DERIVED"})),)
    fitting = [kind for kind in kinds if series.listed or kind[1] in tokens]
    if not fitting:
        return (Guess("fmap/magnitude", why=f"{why}; is it not in Hz?", sure=False),)
    several = len(series.echo_times) > 1
    return tuple(
        Guess(
            "fmap/phase" if several and to == "fmap/phasediff" else to,
            why=why,
            image_type=frozenset({token}),
        )
        for to, token in fitting
    )


def _echo_planar(series: Series, name: str, tokens: set[str]) -> Guess | None:
    """Field maps by opposite directions, perfusion, diffusion, function."""
    direction = _direction(series, name, by_header=False)
    entities = {"dir": direction} if direction else {}
    reference = bool(clues.SBREF.word(name))
    part = {"part": "phase"} if "P" in tokens or _PHASE.search(name) else {}
    if word := clues.PEPOLAR.word(name):
        if reference or part:
            return Guess(ignore="reference or phase of a spin echo field map", why="by its name")
        direction = _direction(series, name)
        told = {"dir": direction} if direction else {}
        return Guess("fmap/epi", told, why=f"by the word {word}", sure=bool(direction))
    if found := _first((clues.DSC, clues.VASO, clues.VENOGRAM), name):
        return found
    if word := clues.M0.word(name):
        return Guess("perf/m0scan", why=f"by the word {word}")
    if (word := clues.ASL.word(name)) or tokens & {"ASL", "PERFUSION"}:
        return Guess("perf/asl", why=f"by the word {word}" if word else "by its ImageType")
    word = clues.DWI.word(name)
    if word or "DIFFUSION" in tokens:
        why = f"by the word {word}" if word else "by its ImageType"
        return _diffusion(series, name, entities, Guess("", entities | part, why=why))
    word = clues.FUNC.word(name)
    if not (word or "FMRI" in tokens or _is_bold(series)):
        return _plain_echo_planar(series, name, entities)
    entities |= {"task": task_of(name)} | part
    if direction and not reference and not part and 0 < _volumes(series) <= _FEW:
        return Guess("fmap/epi", {"dir": direction}, why="a few volumes only", sure=False)
    why = f"by the word {word}" if word else "by its header"
    return Guess("func/sbref" if reference else "func/bold", entities, why=why)


def _diffusion(series: Series, name: str, entities: dict[str, str], base: Guess) -> Guess:
    if clues.SBREF.word(name):
        return replace(base, to="dwi/sbref")
    unweighted = _B_VALUES.findall(name) == ["0"] or 0 < _volumes(series) <= _FEW
    if unweighted and entities and "part" not in base.entities:
        why = f"{base.why}, without weighting"
        return Guess("fmap/epi", {"acq": "dwi", **entities}, why=why, sure=False)
    if clues.TRACE.word(name) and not clues.DIRECTIONS.word(name):
        why = f"{base.why}; a trace, or directions?"
        return replace(base, to="dwi/trace", entities={}, why=why, sure=False)
    return replace(base, to="dwi/dwi")


def _plain_echo_planar(series: Series, name: str, entities: dict[str, str]) -> Guess | None:
    """An echo planar image of which the name does not say what for."""
    if not clues.EPI.word(name):
        return None
    if _volumes(series) > _FEW:
        task = {"task": task_of(name)}
        return Guess("func/bold", task, why="echo planar, many volumes", sure=False)
    if entities:
        return Guess("fmap/epi", entities, why="echo planar with a direction", sure=False)
    return Guess(ignore=f"{TODO}echo planar; its name does not say what for", sure=False)


def _volumes(series: Series) -> int:
    """The number of volumes; 0 where it is unknown."""
    return 0 if series.listed else series.volumes or 0


def _is_bold(series: Series) -> bool:
    """Whether the header shows a gradient echo EPI in time."""
    return "epfid" in (series.sequence_name or "").lower() and _volumes(series) > _FEW


def _anatomy(series: Series, name: str, tokens: set[str]) -> Guess:
    found = _first(clues.ANAT, name) or _by_timing(series)
    if found is None:
        return Guess(ignore=f"{TODO}nothing in its name says what it is", sure=False)
    entities = dict(found.entities)
    if found.to in ("anat/T1w", "anat/T2w") and _CONTRAST.search(name):
        entities["ce"] = "gad"
    if found.to in ("anat/MEGRE", "anat/T2starw") and ("P" in tokens or _PHASE.search(name)):
        entities["part"] = "phase"
    return replace(found, entities=entities)


def _by_timing(series: Series) -> Guess | None:
    """Contrast by sequence and timing, where no word tells it."""
    sequence = (series.sequence_name or "").lower()
    echo = series.echo_times[0] if series.echo_times else None
    if echo is None:
        return None
    why = "by its sequence and timing"
    if re.search(r"tfl|mprage|bravo|fspgr|t1tfe", sequence) and echo < _LONG_ECHO / 4:
        return Guess("anat/T1w", why=why, sure=False)
    if re.search(r"tse|spc|fse|cube|tir", sequence) and echo >= _LONG_ECHO:
        inverted = (series.inversion_time or 0) > _LONG_INVERSION
        return Guess("anat/FLAIR" if inverted else "anat/T2w", why=why, sure=False)
    return None


def task_of(name: str) -> str:
    """The task in a normal name; `rest`, what follows `task`, or the words that are no others.

    >>> task_of("_task_nback_run_1_"), task_of("_ep2d_bold_stroop_2mm_"), task_of("_bold_mb4_")
    ('nback', 'stroop', 'TODO')
    """
    if found := _TASK.search(name):
        return found[1]
    if _REST.search(name):
        return "rest"
    words = [word for word in name.strip("_").split("_") if not _NO_TASK.fullmatch(word)]
    stripped = [re.sub(r"^(?:bold|t?fmri)|(?:bold|fmri|run)?\d*$", "", word) for word in words]
    return "".join(stripped) or UNKNOWN_TASK


def _direction(series: Series, name: str, by_header: bool = True) -> str:
    """The direction of phase encoding as two letters, by the name or else by the header."""
    if found := _DIRECTION.search(name):
        return found[1].upper()
    if found := _SPELLED.search(name):
        letters = f"{found[1]}{found[2]}".upper()
        return letters if letters in _DIRECTIONS else ""
    told = [word for word in series.phase_encoding or () if word in _DIRECTIONS]
    return told[0] if told and by_header else ""
