"""The steps of a project: the rules that lead to each, what it reads, and which targets ask for it.

A step is named as its record (`records/<scope>/<name>.json`). What has no record of its own is
named by the file that it makes, below the project's results; `page.html` is a session's.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from coil.analyses.definitions import Analysis
from coil.run.memory import OWN
from coil.workspace import PROJECT

PAGE = "page.html"
DATASET, VALIDATION, LOCK = "dataset.json", "validation.json", "run.lock.yaml"
INDEX, PROTECTION, STATUS = "reports/index.html", "reports/data_protection.html", "status.tsv"
SCANNER = "derivatives/scanner.json"
SESSIONS, SUBJECTS, PHENOTYPE, PARTS = "sessions", "subjects", "phenotype", "parts"
_MADE = ("pull", "convert")


@dataclass(frozen=True)
class Step:
    """A step.

    rules    that lead to it, by their names
    listed   what of the archive's answers it reads
    needs    the steps whose records it reads
    """

    rules: tuple[str, ...]
    listed: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()


def of_session(analyses: Mapping[str, Analysis]) -> dict[str, Step]:
    """The steps of each session of a project with these analyses, in their order."""
    own = _of_level(analyses, "session")
    return {
        "admit": Step((*_MADE, "anonymize"), (OWN,)),
        "export": Step((*_MADE, "export_session"), (OWN,)),
        **own,
        PAGE: Step(("report_session",), needs=("admit", *own)),
        "push": Step(("push_session",), needs=("admit", *own, PAGE)),
        "push_dicom": Step(("push_dicom",), needs=("admit", "export")),
    }


def of_subject(analyses: Mapping[str, Analysis]) -> dict[str, Step]:
    """The steps of each subject."""
    return _of_level(analyses, "subject")


def of_project(analyses: Mapping[str, Analysis]) -> dict[str, Step]:
    """The steps of the project itself."""
    own = _of_level(analyses, PROJECT, (SESSIONS,), (DATASET,))
    verdicts = {
        verdict(name): Step(("analysis_dataset",), (SESSIONS,), (name,)) for name in analyses
    }
    judged = (VALIDATION, SCANNER, *verdicts)
    sent = ("export", "push", "push_dicom")
    return {
        "questionnaires": Step(("pull_questionnaires",), (PHENOTYPE,)),
        DATASET: Step(("dataset",), (SESSIONS, SUBJECTS, PHENOTYPE), ("admit", "questionnaires")),
        VALIDATION: Step(("validate",), needs=(DATASET,)),
        SCANNER: Step(("scanner_dataset",), (SESSIONS,), ("admit",)),
        **own,
        **verdicts,
        INDEX: Step(("report_project",), (SESSIONS,), ("admit", *analyses, PAGE, DATASET, *judged)),
        "export": Step(("prune_export",), (SESSIONS,)),
        "push": Step(("push_project",), needs=(INDEX, *judged)),
        "withdraw_dicom": Step(("withdraw_dicom",), (SESSIONS,)),
        PROTECTION: Step(("data_protection",), (SESSIONS,), ("admit", *sent, "withdraw_dicom")),
        STATUS: Step(("status_table",), (SESSIONS,), ("admit", *analyses, *sent, VALIDATION)),
        LOCK: Step(("lock",), (SESSIONS, SUBJECTS, PHENOTYPE), ("admit", *judged)),
    }


def of_merged() -> dict[str, Step]:
    """The steps of a merged dataset."""
    return {
        DATASET: Step(("merge",), (PARTS,)),
        VALIDATION: Step(("validate",), needs=(DATASET,)),
    }


def verdict(analysis: str) -> str:
    """The step that describes and validates an analysis' derivative dataset."""
    return f"derivatives/{analysis}.json"


def files_of(targets: Iterable[str], analyses: Iterable[str], pushes: bool) -> set[str]:
    """The steps without a record for which targets ask, in a project that has them.

    pushes   whether the project pushes, or exports, anything
    """
    return {step for target in targets for step in _files_of(target, analyses, pushes)}


def _files_of(target: str, analyses: Iterable[str], pushes: bool) -> Iterator[str]:
    if target in ("all", "bids", "reports", "push", "merged"):
        yield from (DATASET, VALIDATION, SCANNER)
    if target in ("all", "analyses", "reports", "push"):
        yield from map(verdict, analyses)
    if target in ("all", "reports"):
        yield from (PAGE, INDEX)
    if target == "all" or (target == "reports" and not pushes):
        yield PROTECTION
    if target == "all":
        yield from (STATUS, LOCK)


def _of_level(
    analyses: Mapping[str, Analysis],
    level: str,
    listed: tuple[str, ...] = (),
    more: tuple[str, ...] = (),
) -> dict[str, Step]:
    return {
        name: Step(("analyse",), listed, ("admit", *one.others, *more))
        for name, one in analyses.items()
        if one.level == level
    }
