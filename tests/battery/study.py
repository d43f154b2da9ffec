"""Made-up sessions full of planted values, and an archive and a config that use what there is."""

import shutil
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pydicom
import yaml
from pydicom.tag import Tag

from demo.study import generate
from localxnat.testing import import_dicom
from localxnat.tests.support import Raw
from tests.battery import extras, headers
from tests.battery.headers import Person, Planter
from tests.battery.plants import Plants
from tests.support.bids import Pulled
from tests.support.physio import cmrr, dicom, pmu
from tests.workflow.lab import Lab, Run

_CONFIG = ("study.yaml", "other.yaml", "config.yaml", "overrides.yaml")  # the lab's own
VOLUMES = 12  # of the simulated run, whose series has 64
# By their descriptions' first words, series of single slices: volumes, and what is done to them.
CLASSIC = {"localizer": 1, "t1_classic": 1, "task_nback": 4, "run_classic": 2, "mystery": 1}
CLOCK = ("AcquisitionTime", "AcquisitionDateTime")  # by which recordings find their run
MAPPING: list[dict[str, Any]] = [
    {"match": {"series_description": "^localizer"}, "ignore": "planning scan"},
    {"match": {"series_description": "^t1_mprage"}, "to": "anat/T1w"},
    {"match": {"series_description": "^t1_classic"}, "to": "anat/PDw"},
    {"match": {"series_description": "PhysioLog"}, "to": "func/physio"},
    {
        "match": {"series_description": "^task_(?P<task>[a-z]+)", "sequence_name": "epfid"}
        | {"not": {"series_description": "PhysioLog"}},
        "to": "func/bold",
        "entities": {"task": "{task}"},
        "events": {
            "resource": "events",
            "file": "{task}_*.tsv",
            "columns": {"key": {"Levels": {"left": "left key", "right": "right key"}}},
        },
        "physio": {"resource": "pmu", "recording": "pmu"},
        "b0": "pepolar",
    },
    {
        "match": {"series_description": "^fmri_task-(?P<task>[a-z]+)"},
        "to": "func/bold",
        "entities": {"task": "{task}"},
        "duplicates": "last-complete",
    },
    {
        "match": {"series_description": "^se_(?:epi_)?(?P<dir>AP|PA)"},
        "to": "fmap/epi",
        "entities": {"dir": "{dir}"},
        "b0": "pepolar",
    },
    {"match": {"series_description": "^dwi"}, "to": "dwi/dwi"},
    {"use": "bidsmap"},
]
SHARED = "SHARED"
"""The other project, which gets the export."""
SETTINGS: dict[str, Any] = {
    "identity": {"time_of_day": "drop"},
    "bids": {
        "name": "Values in every place",
        "authors": ["A. Simulator"],
        "license": "CC0",
        "mapping": MAPPING,
        "behaviour": [{"task": "stroop", "resource": "behaviour"}],
        "overrides": "overrides.yaml",
    },
    "deface": ["T1w"],
    "export": {"dicom": "all", "faces": "keep", "to": SHARED},
    "participants": [
        {"name": "arm", "description": "Arm", "levels": {"drug": "Drug", "sham": "Placebo"}},
        {"name": "rank", "description": "A number", "minimum": 0, "maximum": 10},
        {"name": "education", "field": "demographics/education", "description": "Schooling"},
    ],
    "sessions": [{"name": "sleep", "description": "Sleep", "units": "hour", "maximum": 24}],
    "phenotype": [
        {"instrument": "mood", "resource": "questionnaires", "file": "mood.xlsx"}
        | {"dictionary": "mood.json", "omit": ["remark"]},
        {"instrument": "bad", "resource": "questionnaires", "file": "bad.csv"}
        | {"dictionary": "bad.json"},
        {"instrument": "visit", "resource": "questionnaires", "file": "redcap.csv"}
        | {"dictionary": "redcap_dictionary.csv", "subject_column": "record_id"}
        | {"identifiers": "omit", "omit": ["remark"]},
        {"instrument": "told", "resource": "questionnaires", "file": "told.csv"}
        | {"dictionary": "told.json"},
        {"instrument": "hinted", "resource": "questionnaires", "file": "hinted.csv"}
        | {"dictionary": "told.json"},
    ],
    "push": {"reports": True, "bids_resources": True, "derivatives": ["qc"], "assessor": True},
}


@dataclass
class Battery:
    """A lab whose archive is full of planted values."""

    lab: Lab
    plants: Plants
    folder: Path
    project: str
    broken: int = 0
    before: set[Path] = field(default_factory=set)
    asked: int = 0

    @property
    def scratch(self) -> Path:
        """The folder for temporary files."""
        return self.lab.root / "tmp"

    def inputs(self) -> list[Path]:
        """What the archive was filled from, and what it noted itself."""
        held = [*self.folder.rglob("*"), *self.lab.archive.glob("*.sqlite*")]
        return sorted(path for path in held if path.is_file())

    def seen(self) -> list[Path]:
        """All that others than the owner may see: not private, quarantine and the config."""
        work = self.lab.work
        hidden = [work / name for name in (*_CONFIG, "private", "quarantine")]
        files = sorted(path for path in work.rglob("*") if path.is_file())
        return [p for p in files if not any(h == p or h in p.parents for h in hidden)]

    def run(self, *arguments: str, **environment: str) -> Run:
        """One invocation, whose temporary files lie in a folder of its own."""
        self.scratch.mkdir(exist_ok=True)
        return self.lab.snakemake(*arguments, TMPDIR=str(self.scratch), **environment)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """The same, which goes on by itself."""
        self.scratch.mkdir(exist_ok=True)
        return self.lab.start(*arguments, TMPDIR=str(self.scratch))

    def override(self) -> None:
        """Say something else of one series of the first session."""
        entry = {"1": {"to": "anat/T2w", "entities": {"acq": "late"}}}
        text = yaml.safe_dump({self.lab.units()[0]: entry})
        (self.lab.work / "overrides.yaml").write_text(text)

    def pushed(self) -> list[Path]:
        """The files that the archive got since it was filled."""
        now = {path for path in (self.lab.archive / "archive").rglob("*") if path.is_file()}
        return sorted(now - self.before)


def build(
    root: Path,
    seed: str,
    simulated: bool,
    sessions: int = 1,
    broken: int = 0,
    damages: Sequence[Callable[[list[Path], Plants], None]] = (),
) -> Battery:
    """Fill an archive; with `simulated` the first session also has a simulated head's series, and
    of the `broken` ones each holds the series of two people. `damages` spoil one session each."""
    plants = Plants(seed)
    project = plants.word("project ID")
    battery = Battery(Lab(root / "lab"), plants, root / "lab" / "input", project, broken)
    for number in range(1, sessions + 1):
        person = Person(plants, f"session {number}")
        folder = battery.folder / f"session_{number}"
        series = classic(folder / "classic", person)
        if simulated and number == 1:
            series += enhanced(folder / "enhanced", person)
        if number > sessions - broken:
            series += classic(folder / "another", Person(plants, f"guest {number}"))[:1]
        if number <= len(damages):
            damages[number - 1](series, plants)
        _bring(battery, folder, person, series)
    _settle(battery)
    return battery


def _bring(battery: Battery, folder: Path, person: Person, series: list[Path]) -> None:
    """A session into the archive, under labels that are planted too."""
    plants, name = battery.plants, person.name
    subject = f"{plants.word(f'{name} subject label')}_{plants.number(f'{name} subject label')}"
    label = f"{plants.word(f'{name} session label')}_{plants.day(f'{name} session label')}"
    import_dicom(battery.lab.archive, battery.project, subject, label, *series)
    beside = folder / "archive"
    extras.write(beside, plants, name)
    pmu(beside / "pmu" / f"{plants.word(f'{name} pmu file')}.puls", [7, 8] * 200 * 400, 46_900)
    called = person.values[Tag("PatientName")]
    extras.note(beside, {"subject": subject, "session": label, "name": called})


def classic(folder: Path, person: Person) -> list[Path]:
    """Series of single slices, as older scanners write them, each full of values."""
    plants, place = person.plants, f"{person.name} classic"
    pulled = Pulled(folder)
    ways: dict[str, list[Planter]] = {
        "localizer": [headers.table(plants, f"{place} ignored root")],
        "t1_classic": [
            headers.as_unknown(plants, f"{place} UN"),
            headers.in_sequence(plants, f"{place} item"),
        ],
        "task_nback": [
            headers.table(plants, f"{place} root", [*headers.ROOT, *CLOCK]),
            headers.in_private(plants, f"{place} private"),
        ],
        "run_classic": [
            headers.in_sequence(plants, f"{place} three deep", 3),
            headers.in_csa(plants, place),
            headers.beyond(plants, f"{place} beyond the table"),
        ],
        "mystery": [headers.table(plants, f"{place} unmapped root")],
    }
    for begin, volumes in CLASSIC.items():
        made = pulled.scan(begin, volumes)
        names = headers.described(plants, f"{place} {begin}", begin)
        headers.plant(made, person, [*ways[begin], names])
    _log(pulled, person)
    return sorted((folder / "series").iterdir())


def _log(pulled: Pulled, person: Person) -> None:
    """A series with the scanner's log of the run before, by the clock."""
    made = pulled.scan("task_nback_PhysioLog")
    number = len(pulled.scans)
    for path in made.iterdir():
        path.unlink()
    changes = {"SeriesNumber": number, "InstanceNumber": 1, "SeriesDate": "20240501"}
    changes |= {"SeriesDescription": "task_nback_PhysioLog", "SeriesTime": "130310"}
    logs = {
        kind: text.replace("LogVersion", f"{person.plants.word('log of physiology')}\nLogVersion")
        for kind, text in cmrr(46_980.9, volumes=4).items()
    }
    dicom(logs, made / "000001.dcm", changes=changes)
    headers.plant(made, person, [])


def enhanced(folder: Path, person: Person) -> list[Path]:
    """Series of a simulated head in enhanced files, each full of values."""
    plants, place = person.plants, f"{person.name} enhanced"
    generate(folder / "study", seed=5, subjects=1, sessions=1)
    ways: dict[str, Callable[[], Iterable[Planter]]] = {
        "t1_mprage": lambda: [
            headers.in_frames(plants, f"{place} T1w"),
            headers.in_sequence(plants, f"{place} three deep", 3),
        ],
        "se_epi_AP": partial(_once, headers.table, plants, f"{place} root"),
        "se_epi_PA": partial(_once, headers.in_frames, plants, f"{place} epi"),
        "fmri_task": partial(_once, headers.table, plants, f"{place} run"),
        "dwi_b1000": lambda: [
            headers.in_private(plants, f"{place} private"),
            headers.in_csa(plants, place),
        ],
    }
    chosen = []
    for source in sorted((folder / "study" / "dicom").glob("*/*/*")):
        number, _, description = source.name.partition("-")
        way = next((ways.pop(begin) for begin in list(ways) if description.startswith(begin)), None)
        if way is None:
            continue
        target = shutil.copytree(source, folder / "series" / f"{20 + int(number):03d}")
        for extra in sorted(target.iterdir())[VOLUMES:]:
            extra.unlink()
        names = headers.described(plants, f"{place} {description}", description)
        headers.plant(target, person, [*way(), names, partial(_renumber, 20 + int(number))])
        chosen.append(target)
    shutil.rmtree(folder / "study")
    return chosen


def _once(planter: Callable[..., Planter], *arguments: Any) -> list[Planter]:
    return [planter(*arguments)]


def _renumber(number: int, data: pydicom.Dataset) -> None:
    data.SeriesNumber = number


def _settle(battery: Battery) -> None:
    """Fill the archive beside the images, note what it holds, write the config."""
    with battery.lab.open() as server:
        for beside in sorted(battery.folder.glob("*/archive")):
            extras.put(server, battery.project, beside)
        assert Raw(server)("PUT", f"/data/projects/{SHARED}").ok
        ids = extras.put_project(server, battery.project, battery.folder, battery.plants)
    for value in ids:
        battery.plants.give(value, "ID that the archive gave")
    battery.asked = len((battery.lab.archive / "access.log").read_text().splitlines())
    battery.before = {path for path in battery.lab.archive.rglob("*") if path.is_file()}
    configure(battery)


def configure(battery: Battery, merged: bool = False, **bids: Any) -> None:
    """Write the config; with `merged` a second project of one series, and both as one."""
    settings = {"project": battery.project, **SETTINGS, "bids": SETTINGS["bids"] | bids}
    config: dict[str, Any] = {}
    if merged:
        rule = {"match": {"series_description": "^run_classic"}, "to": "func/bold"}
        rule |= {"entities": {"task": "other"}}
        other = {"project": battery.project, "select": {"scan_types": "run_classic*"}}
        other |= {"bids": {"name": "The other", "mapping": [rule]}}
        other |= {"identity": SETTINGS["identity"]}
        (battery.lab.work).mkdir(exist_ok=True)
        (battery.lab.work / "other.yaml").write_text(yaml.safe_dump(other))
        both = {"name": "both", "projects": ["study", "other"], "site": "entity"}
        config = {"projects": ["study.yaml", "other.yaml"]}
        config |= {"merged": [both | {"bids": {"name": "Both", "authors": ["A. Simulator"]}}]}
    battery.lab.configure(settings, **config)
    (battery.lab.work / "overrides.yaml").write_text("{}\n")
