"""Note what made a project's datasets; refuse by name what differs from a lock.

in:     records of all sessions, the validator's verdicts, what discovery noted of the archive;
        locked, the lock that this run is to be like if it is given one, or an earlier run was
out:    lock, run.lock.yaml
params: parts, digests of the config, the code and the environments; identity, for the secret
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from coil import __version__, files, jobs
from coil.deid.identity.identities import project_secret
from coil.records.session import SessionRecord
from coil.run import lock

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    project: str,
    records: list[Path],
    private: Path,
    secret: bytes,
    parts: dict[str, dict[str, str]],
    results: Path,
) -> lock.Lock:
    """The lock of the datasets in the project's folder `results`."""
    noted = [SessionRecord.read(path).fields() for path in records]
    done = {path.parent.name: r for path, r in zip(records, noted, strict=True)}
    done = {unit: record for unit, record in done.items() if record["state"] == "done"}
    known = {path: digest for record in done.values() for path, digest in record["files"].items()}
    derived = [path for path in (results / "derivatives").glob("*") if path.is_dir()]
    return {
        "project": project,
        "coil": __version__,
        "commit": lock.commit(),
        **parts,
        "versions": lock.stage_versions(done.values()),
        "secret": lock.secret_digest(secret),
        "archive": lock.archive_digests(private, done, secret),
        "datasets": {
            "bids": lock.tree_digest(results / "bids", known),
            **{f"derivatives/{p.name}": lock.tree_digest(p, {}) for p in sorted(derived)},
        },
    }


def made(
    given: Any, like: list[str], project: str, parts: dict[str, Any], target: Path, secret: bytes
) -> str:
    """The text of the lock; ConfigError if it is not as those in the files `like`."""
    records = [Path(path) for path in given.records]
    now = main(project, records, Path(given.subjects).parent, secret, parts, target.parent)
    for path in like:
        before = lock.read(Path(path))
        lock.refuse(before["place"], before, lock.differences(before, now))
    return lock.as_text(now, str(target))


if "snakemake" in globals():
    target = Path(snakemake.output.lock)
    text = jobs.must(
        snakemake.log[0],
        lambda: made(
            snakemake.input,
            snakemake.input.locked if snakemake.config["locked"] else [],
            snakemake.wildcards["project"],
            snakemake.params["parts"],
            target,
            project_secret(snakemake.params["identity"], Path(snakemake.input.subjects).parent),
        ),
    )
    files.write_text(target, text)
