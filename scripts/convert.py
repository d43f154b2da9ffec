"""Settle every series of a session by the mapping, and convert those that are mapped.

in:     pulled, or the reason why there is nothing; sources, the files of the mapping's sources
out:    converted, or the reason why nothing could be converted
params: mapping, synonyms, policy, field_maps, behaviour and converter, as the config has them;
        sources (the digests of their files by name, in the order of the input); overrides, those of
        this session
"""

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coil import jobs
from coil.bids.convert.convert import convert_session
from coil.bids.mapping.associated import parse_behaviour
from coil.bids.mapping.mapping import Mapping, parse
from coil.bids.series.reading import name_scans
from coil.errors import DataError
from coil.jobs import Failure

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    pulled: Path,
    unit: tuple[str, str],
    mapping: Mapping,
    sources: dict[str, Path],
    overrides: dict[str, dict[str, Any]],
    policy: dict[str, str],
    field_maps: str,
    behaviour: list[dict[str, Any]],
    converter: str,
    out: Path,
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
            mapping=mapping,
            sources=sources,
            overrides=overrides,
            policy=policy,
            field_maps=field_maps,
            scratch=scratch,
            behaviour=parse_behaviour(behaviour),
            converter=converter,
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
            parse(snakemake.params["mapping"], synonyms=snakemake.params["synonyms"]),
            dict(zip(snakemake.params["sources"], map(Path, snakemake.input.sources), strict=True)),
            snakemake.params["overrides"],
            snakemake.params["policy"],
            snakemake.params["field_maps"],
            snakemake.params["behaviour"],
            snakemake.params["converter"],
            target,
        ),
    )
