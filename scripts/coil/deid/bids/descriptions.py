"""What may be told of a series' description, which an operator can write anything into.

PS3.15 lists SeriesDescription among what must be cleaned. A word of it is told if it is one of
protocols, one of the config, or at most two letters or four digits long; every other is left out.
"""

import json
import re
from collections.abc import Collection, Iterable
from typing import Any

from coil.deid.leak.public_words import PUBLIC
from coil.deid.leak.search import REMOVED

# Words of the protocols of Siemens, GE, Philips, UIH and Canon, and of common experiments.
_PROTOCOLS = """
aah aahead abcd accelerated acceleration adni apparent arms asc asset back band bias blade blip
blood bravo cal calibration card carit chn closed cmrr coefficient color connectome copy cor
corrected cube dark depi diff dir dis distortion double dream dti dynamic ecg ellip eva exact eyes
faces fast fdg ffe fgre fid field filt finger fingertap fingertapping fisp fix flash flow fmri fov
fsbb fse fsp fspgr gambling glm gradient gre guessing hcp hemo high hippo hippocampus hyper
interleaved ipat iso isotropic jet khz lhr localiser locator log long low map mapping maps mbdiff
mbep mddw mean medic memory memprage mfc mid min mip mms moco motion motor movie mpr mprage mpv mra
mrac mrs msec mtc mtflash mtw multi multiband multishell myelin nac nav nback neuro norm oblique
one open opp orig pair pasl pca pcasl per perf pha phase phoenix phs phys physio plane pld press
presto probe proj promo prop propeller prr qsm quiet rage reading ref reference reg rel repeat
repeated report resolve rest resting reverse reversed rms rsf sag sagittal save screen sensitive
sequential seste setter shc shim short single slab slice slices smaps smart sms soft source space
spc spgr spin sst stack star start state stir stop story stroop svs swan swi switch tapping task
tensor tfe tfl tgse thick thin three tilt time tirm tof tra transit transversal trufi tse turbo two
uni updated ute vaso venous vessel vibe video view vismotor visual volume watch wave weighted whole
wip words zip zoom zoomit zte
"""
_KNOWN = frozenset(_PROTOCOLS.split()) | {word.decode() for word in PUBLIC}
_WORD = re.compile(r"[^\W_]+")
_LOW = "a-z\xdf-\xff"
# Digits, capitals, or small letters that may begin with one capital: MB 8, RestingState, 64 ch.
_PART = re.compile(rf"\d+|[^\W\d_{_LOW}]+(?![{_LOW}])|[^\W\d_{_LOW}]?[{_LOW}]+|[^\W\d_]+")


def words_of(*settings: Any) -> frozenset[str]:
    """The words, in lower case, that stand in parts of the config, regular expressions too."""
    text = re.sub(r"\\\\[a-zA-Z]", " ", json.dumps(settings, ensure_ascii=False))
    return frozenset(word.lower() for run in _WORD.findall(text) for word in (run, *_parts(run)))


def tell(description: str, known: Collection[str] = ()) -> str:
    """The description with each word left out that is not known, neither here nor in `known`."""
    shown = _WORD.sub(lambda match: _told(match[0], known), description)
    again = re.escape(REMOVED)
    return re.sub(rf"{again}(?:[\W_]*{again})+", REMOVED, shown)


def _told(word: str, known: Collection[str]) -> str:
    if word.lower() in _KNOWN or word.lower() in known:
        return word
    parts = [part if _is_told(part, known) else REMOVED for part in _parts(word)]
    return "".join(parts)


def _is_told(part: str, known: Collection[str]) -> bool:
    if part.isdigit():
        return len(part) < 5 and not re.fullmatch("19..|20(?!00)..", part)
    return len(part) < 3 or part.lower() in _KNOWN or part.lower() in known


def _parts(word: str) -> Iterable[str]:
    return _PART.findall(word)
