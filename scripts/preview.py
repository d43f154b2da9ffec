"""Show which rule takes each series and the name it gets, from the archive's listing alone.

in:     sessions, what discovery noted of each
params: mappings and synonyms, the rules and their words by project
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from coil import files, jobs
from coil.bids import mapping as mappings
from coil.bids.preview import table
from coil.bids.series import Series
from coil.bids.settle import settle

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    sessions: list[Path],
    rules: dict[str, list[dict[str, Any]]],
    synonyms: dict[str, dict[str, str]],
) -> None:
    for path in sessions:
        project, unit = path.parents[1].name, path.stem
        subject, session = (part.split("-", 1)[1] for part in unit.split("_"))
        scans = files.read_json(path)["scans"]
        mapping = mappings.parse(rules[project], f"{project}: bids.mapping", synonyms[project])
        settled = settle([Series.from_listing(scan) for scan in scans], mapping, subject, session)
        print(f"\n{project} {unit}\n{table(settled)}")


if "snakemake" in globals():
    jobs.must(
        snakemake.log[0],
        lambda: main(
            [Path(p) for p in snakemake.input.sessions],
            snakemake.params["mappings"],
            snakemake.params["synonyms"],
        ),
    )
