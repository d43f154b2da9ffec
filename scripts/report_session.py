"""Write the page of one session.

in:  admit, the session's record, and those of its analyses
out: page, a self-contained HTML file
"""

from pathlib import Path
from typing import TYPE_CHECKING

from coil import files, jobs
from coil.records.analysis import AnalysisRecord
from coil.records.session import SessionRecord
from coil.report import session
from coil.workspace import Results

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(admit: Path, analyses: list[Path], page: Path) -> None:
    records = {path.stem: AnalysisRecord.read(path).fields() for path in analyses}
    derivatives = Results.of_page(page).derivatives
    files.write_text(page, session.render(SessionRecord.read(admit).fields(), records, derivatives))


if "snakemake" in globals():
    given = snakemake.input
    jobs.must(
        snakemake.log[0],
        lambda: main(
            Path(given.admit),
            [Path(path) for path in given.analyses],
            Path(snakemake.output.page),
        ),
    )
