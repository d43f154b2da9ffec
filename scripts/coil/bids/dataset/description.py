"""What the dataset says of itself: dataset_description.json, README, CHANGES, CITATION.cff."""

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from coil import __version__
from coil.bids import names
from coil.bids.dataset import tables
from coil.errors import ConfigError
from coil.files import remove_tree, write_if_changed, write_json
from coil.records.session import SessionRecord

Generator = Mapping[str, object]
"""One tool of `GeneratedBy`."""
_README = """\
{title}
{line}

{about}This dataset was made from the scanner's DICOM files by Coil. Every series of every session
was either converted by a rule of the project or left out for a stated reason. The images'
metadata were reduced to an allow-list, faces were removed from anatomical images where the
project asks for it, participants and sessions bear pseudonyms, and dates, where there are any,
are moved by a secret number of days per participant.

The dataset holds {sessions} sessions of {subjects} participants.
"""
# Config key to the key of dataset_description.json.
_PLAIN = {
    "keywords": "Keywords",
    "acknowledgements": "Acknowledgements",
    "how_to_acknowledge": "HowToAcknowledge",
    "funding": "Funding",
    "ethics_approvals": "EthicsApprovals",
    "doi": "DatasetDOI",
}
# BIDS: with a CITATION.cff these are told there, and nowhere else.
_CITED = ("License", "Authors", "HowToAcknowledge", "ReferencesAndLinks")
_SHORT_LICENSES = {"CC0": "CC0-1.0", "PDDL": "PDDL-1.0", "PD": "CC0-1.0"}


def write_description(
    bids: Path, about: Mapping[str, Any], generated_by: Sequence[Generator], text: str
) -> None:
    """Write the dataset's own files, and take out those that the config no longer asks for.

    Parameters
    ----------
    bids
        The dataset's root.
    about
        The config's `bids`.
    generated_by
        See `generated_by`.
    text
        The README, see `readme`.

    Raises
    ------
    ConfigError
        If the licence cannot stand in a CITATION.cff.
    """
    # Always anew, so that its time tells a workflow that the dataset is up to date.
    write_json(bids / "dataset_description.json", description(about, generated_by))
    write_if_changed(bids / "README", text)
    _keep(bids / "CHANGES", changes(about.get("releases") or []))
    _keep(bids / "CITATION.cff", citation(about))
    _keep(bids / ".bidsignore", "".join(f"{line}\n" for line in about.get("bidsignore") or []))
    genetics = (about.get("genetics") or {}).get("info")
    if genetics:
        tables.write_json(bids / "genetic_info.json", _genetic_info(genetics))
    else:
        remove_tree(bids / "genetic_info.json")


def description(about: Mapping[str, Any], generated_by: Sequence[Generator]) -> dict[str, object]:
    """The contents of dataset_description.json."""
    authors = [_author(author) for author in about.get("authors") or []]
    contents: dict[str, object] = {
        "Name": about["name"],
        "BIDSVersion": names.bids_version(),
        "DatasetType": "raw",
        "License": about.get("license"),
        "Authors": authors,
        **{key: about.get(word) for word, key in _PLAIN.items()},
        "ReferencesAndLinks": [_reference(one) for one in about.get("references") or []],
        "Genetics": _genetics(about.get("genetics") or {}),
        "GeneratedBy": list(generated_by),
        "SourceDatasets": [
            {key.upper() if key != "version" else "Version": text for key, text in one.items()}
            for one in about.get("source_datasets") or []
        ],
    }
    left = _CITED if about.get("citation") is not None else ()
    return {key: value for key, value in contents.items() if value and key not in left}


def readme(about: Mapping[str, Any], sessions: int, subjects: int) -> str:
    """The dataset's README: the config's own words, and how it was made."""
    own = (about.get("readme") or "").strip()
    return _README.format(
        title=about["name"],
        line="=" * len(about["name"]),
        about=f"{own}\n\n" if own else "",
        sessions=sessions,
        subjects=subjects,
    )


def changes(releases: Iterable[Mapping[str, Any]]) -> str:
    """CHANGES as BIDS wants it (CPAN::Changes::Spec), the newest release first."""
    parts = []
    for release in sorted(releases, key=lambda one: one["date"], reverse=True):
        lines = [f"{release['version']} {release['date']}"]
        lines += [f"  - {' '.join(change.split())}" for change in release["changes"]]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def citation(about: Mapping[str, Any]) -> str:
    """CITATION.cff (Citation File Format 1.2.0), empty where the config has no `citation`.

    Raises ConfigError if the licence is not an SPDX identifier, as the format wants it.
    """
    wanted = about.get("citation")
    if wanted is None:
        return ""
    newest = max(about.get("releases") or [], key=lambda one: one["date"], default={})
    contents = {
        "cff-version": "1.2.0",
        "message": wanted["message"],
        "type": "dataset",
        "title": about["name"],
        "abstract": (about.get("readme") or "").strip(),
        "authors": [_cff_author(author) for author in about.get("authors") or []],
        "keywords": about.get("keywords"),
        "doi": _bare_doi(about.get("doi")),
        "url": wanted.get("url"),
        "license": _spdx(about.get("license")),
        "version": newest.get("version"),
        "date-released": newest.get("date"),
        "references": [_cff_reference(one) for one in about.get("references") or []],
    }
    if not contents["authors"]:
        raise ConfigError("bids.citation: needs bids.authors; name at least one")
    kept = {key: value for key, value in contents.items() if value}
    return yaml.safe_dump(kept, sort_keys=False, allow_unicode=True, width=100)


def generated_by(records: Iterable[SessionRecord], digests: Mapping[str, str]) -> list[Generator]:
    """Coil first, then the tools of all records, each with every version that was used.

    `digests` are of what made the dataset, by what they are of.
    """
    used: dict[str, set[str]] = defaultdict(set)
    for tool, version in (pair for record in records for pair in record.versions.items()):
        used[tool].add(version or "")
    made = used.pop("Coil", set()) | {__version__}
    makers = "; ".join(f"{what} {digest}" for what, digest in digests.items())
    coil: dict[str, object] = {
        "Name": "Coil",
        "Version": ", ".join(sorted(made)),
        "Description": f"SHA-256 of what made this dataset: {makers}",
    }
    if container := container_of(os.environ):
        coil["Container"] = container
    return [
        coil,
        *({"Name": tool, "Version": ", ".join(sorted(used[tool]))} for tool in sorted(used)),
    ]


def container_of(environment: Mapping[str, str]) -> dict[str, str] | None:
    """The container that a job runs in, by what its image or Apptainer says; None without one.

    An image tells its name in `COIL_CONTAINER`, for example docker://ghcr.io/lab/coil:1.2.
    Apptainer tells the file's name; the folder that it lies in stays behind.
    """
    if name := environment.get("COIL_CONTAINER"):
        kind, _, tag = name.rpartition("://")
        return {"Type": kind or "docker", "Tag": tag}
    for word in ("APPTAINER_NAME", "SINGULARITY_NAME"):
        if name := environment.get(word):
            return {"Type": "apptainer", "Tag": Path(name).name}
    return None


def _keep(path: Path, text: str) -> None:
    if text:
        write_if_changed(path, text)
    else:
        remove_tree(path)


def _genetics(wanted: Mapping[str, Any]) -> dict[str, object]:
    return {word.capitalize(): value for word, value in wanted.items() if word != "info"}


def _genetic_info(info: Mapping[str, Any]) -> dict[str, object]:
    """`genetic_level` is GeneticLevel."""
    return {"".join(w.capitalize() for w in key.split("_")): value for key, value in info.items()}


def _author(author: str | Mapping[str, str]) -> str:
    if isinstance(author, str):
        return author
    return " ".join(author[key] for key in ("given", "family") if key in author)


def _cff_author(author: str | Mapping[str, str]) -> dict[str, str]:
    if isinstance(author, str):
        return {"name": author}
    words = {"family": "family-names", "given": "given-names", "affiliation": "affiliation"}
    parts = {words[key]: text for key, text in author.items() if key in words}
    orcid = {"orcid": f"https://orcid.org/{author['orcid']}"} if "orcid" in author else {}
    return parts | orcid


def _reference(one: str | Mapping[str, Any]) -> str:
    if isinstance(one, str):
        return one
    authors = ", ".join(map(_author, one["authors"]))
    return ". ".join(filter(None, (authors, one["title"], one.get("doi"), one.get("url"))))


def _cff_reference(one: str | Mapping[str, Any]) -> dict[str, object]:
    if isinstance(one, str):
        raise ConfigError(
            "bids.references: CITATION.cff needs title and authors of each; write "
            "{title: ..., authors: [...]}"
        )
    contents = {
        "type": "generic",
        "title": one["title"],
        "authors": [_cff_author(author) for author in one["authors"]],
        "doi": _bare_doi(one.get("doi")),
        "url": one.get("url"),
    }
    return {key: value for key, value in contents.items() if value}


def _bare_doi(doi: str | None) -> str | None:
    return doi[doi.index("10.") :] if doi and "10." in doi else None


def _spdx(license: str | None) -> str | None:
    """The licence as SPDX calls it; BIDS's own short names are known."""
    from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

    if license is None:
        return None
    name = _SHORT_LICENSES.get(license, license)
    try:
        return canonicalize_license_expression(name)
    except InvalidLicenseExpression:
        raise ConfigError(
            f"bids.license: {license} is not SPDX's name of a licence, which CITATION.cff needs; "
            "write for example CC0-1.0 or CC-BY-4.0 (https://spdx.org/licenses)"
        ) from None
