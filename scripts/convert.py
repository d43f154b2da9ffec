"""Settle every series of a session by the mapping, and convert those that are mapped.

in:     pulled, or the reason why there is nothing
out:    converted, or the reason why nothing could be converted
params: mapping (the config's rules), unmapped (report or fail)
"""

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coil import jobs
from coil.bids import mapping as mappings
from coil.bids.convert import convert_session
from coil.bids.series import name_scans
from coil.errors import DataError
from coil.jobs import Failure

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    pulled: Path, unit: tuple[str, str], rules: list[dict[str, Any]], unmapped: str, out: Path
) -> None:
    if failure := Failure.read(pulled):
        failure.write(out)
        return
    # Beside its result, so that everything identified stays in the quarantine.
    scratch = Path(tempfile.mkdtemp(dir=out.parent, prefix=".scratch-"))
    try:
        convert_session(
            pulled,
            out,
            subject=unit[0],
            session=unit[1],
            mapping=mappings.parse(rules),
            unmapped=unmapped,
            scratch=scratch,
        )
    except DataError as error:
        raise DataError(name_scans(str(error), pulled)) from None
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


if "snakemake" in globals():
    target = Path(snakemake.output.converted)
    jobs.attempt_folder(
        "convert",
        snakemake.log[0],
        target,
        lambda: main(
            Path(snakemake.input.pulled),
            (snakemake.wildcards["subject"], snakemake.wildcards["session"]),
            snakemake.params["mapping"],
            snakemake.params["unmapped"],
            target,
        ),
    )
