"""Run checks side by side; one that breaks is a finding and not the end of the others."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from coil import passing
from coil.doctor.findings import UNKNOWN, Finding
from coil.errors import CoilError
from coil.jobs import withheld


class Check(NamedTuple):
    """Something to find out: of what, the function that does, and the `project` concerned."""

    area: str
    what: str
    look: Callable[[], Iterable[Finding]]
    project: str = ""


def run(checks: Iterable[Check], together: int) -> list[Finding]:
    """The findings of all checks, in their order, at most `together` of them at once."""
    with ThreadPoolExecutor(max(1, together)) as pool:
        return [finding for findings in pool.map(carried_out, checks) for finding in findings]


def carried_out(check: Check) -> list[Finding]:
    """The findings of one check, whatever becomes of it."""
    try:
        return list(check.look())
    except CoilError as error:
        return [Finding.of_error(error, check.area, check.what, check.project)]
    except Exception as error:
        why = withheld(error)
        text = f"this check broke: {passing.of_error(error) or why}"
        return [Finding(check.area, check.what, UNKNOWN, text, project=check.project)]
