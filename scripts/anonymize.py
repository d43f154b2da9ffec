"""Anonymize a session and admit it to the dataset, or record why it is not admitted.

in:     pulled and converted (or the reason why there is nothing), link, archive
out:    record; beside it the session's folder in the dataset; people, private, of its headers
params: rules, what the config lets leave; conversion, what of it made the files
"""

from pathlib import Path
from typing import TYPE_CHECKING

from coil import admission
from coil.units import Unit

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if "snakemake" in globals():
    named = {**dict(snakemake.input.items()), **dict(snakemake.output.items())}
    files = {name: Path(path) for name, path in named.items()}
    admission.run(
        admission.Paths(**files, log=Path(snakemake.log[0])),
        Unit(snakemake.wildcards["subject"], snakemake.wildcards["session"]),
        snakemake.params["rules"],
        snakemake.params["conversion"],
    )
