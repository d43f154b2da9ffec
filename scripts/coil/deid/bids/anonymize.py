"""The one door from the quarantine to the dataset.

What is not a known kind of file, in a known place, with checked contents, stays behind. At the
end the candidate is searched for the session's own identifiers; one hit and nothing leaves.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from coil.deid.bids import scans
from coil.deid.bids.session_files import SessionAnonymizer, Tally
from coil.deid.bids.session_search import SessionSearch
from coil.deid.bids.terms import Terms
from coil.deid.bids.trees import Tree
from coil.deid.leak.headers import session_age
from coil.deid.leak.people import write as note_people
from coil.errors import LeakError
from coil.files import remove_tree, sha256
from coil.records.conversion import Conversion
from coil.records.session import Admitted, Kept, LeakCheck, Removed
from coil.units import Unit


def admit_session(
    pulled: Path,
    converted: Path,
    candidate: Path,
    unit: Unit,
    terms: Terms,
    derivatives: Path | None = None,
) -> Admitted:
    """Build `candidate/sub-<subject>/ses-<session>` from a converted session.

    Parameters
    ----------
    pulled, converted
        The session as it was pulled, and its BIDS files with the table of its series.
    candidate
        Where the session's folder goes.
    unit
        Its BIDS labels.
    terms
        What the config lets pass, and what dates are moved by.
    derivatives
        Where what the scanner computed goes, if it is wanted.

    Returns
    -------
    What the session's record says of this stage.

    Raises
    ------
    DataError
        Naming a file and a kind of identifier but no value, if something in the session cannot be
        checked or would leak; nothing is left in `candidate` then.
    """
    trees = [Tree(converted / "bids", candidate, *unit)]
    if derivatives is not None:
        trees.append(Tree(converted / "derivatives", derivatives, *unit, prefix="derivatives/"))
    try:
        return _admit(pulled, Conversion.read_in(converted), trees, terms)
    except BaseException:
        for tree in trees:
            remove_tree(tree.out / tree.inner)
        raise


def _admit(pulled: Path, conversion: Conversion, trees: Sequence[Tree], terms: Terms) -> Admitted:
    search = SessionSearch(pulled, trees, conversion.versions.values(), terms.keeps_times)
    if terms.people is not None:
        note_people(terms.people, search.identifiers.people, terms.secret)
    anonymizer = SessionAnonymizer(search, terms, conversion.series)
    anonymizer.write(trees)
    rows = tuple(scans.shown(row, search, terms) for row in conversion.series)
    scans.write_scans(trees[0], rows, search)
    left_behind = sum((tree.left_behind for tree in trees), Counter[str]())
    admitted = Admitted(
        series=rows,
        age=session_age(pulled),
        deface=tuple(anonymizer.tally.deface),
        removed=_removed(anonymizer.tally, left_behind, search),
        kept=Kept(sidecar_keys=search.named(anonymizer.tally.kept_keys)),
    )
    leaving = {tree.listed(path): path for tree in trees for path in tree.written()}
    _refuse_leaks(search, leaving, admitted)
    _open(trees, leaving)
    return _with_files(admitted, leaving, search)


def _removed(tally: Tally, left_behind: Counter[str], search: SessionSearch) -> Removed:
    """The count of what stayed behind, by name where the name itself may be shown."""
    return Removed(
        sidecar_keys=search.named(tally.removed_keys),
        header_fields=tuple(sorted(tally.header_fields)),
        columns=search.named(tally.columns),
        files=search.named(left_behind),
    )


def _refuse_leaks(search: SessionSearch, leaving: Mapping[str, Path], admitted: Admitted) -> None:
    """Raise LeakError if a file, its name or the record holds an identifier."""
    hits = search.hits(leaving)
    if hits:
        more = f" (and {len(hits) - 1} more)" if len(hits) > 1 else ""
        raise LeakError(
            f"leak check: {hits[0].file} holds an identifier of the session, "
            f"kind: {hits[0].kind}{more}; remove what brings it there from the config's "
            "names and allowed keys, or from the session's events",
            Counter(hit.kind for hit in hits),
        )
    fields = msgspec.to_builtins(admitted)
    texts = {key: fields[key] for key in ("series", "age", "deface", "removed", "kept")}
    if search.holds(json.dumps(texts, ensure_ascii=False)):
        kinds = {"in the record": 1}
        raise LeakError("leak check: the session's record holds an identifier; report this", kinds)


def _open(trees: Sequence[Tree], leaving: Mapping[str, Path]) -> None:
    """Let anyone read what leaves."""
    for path in leaving.values():
        path.chmod(0o644)
    for tree in trees:
        tree.open_folders()


def _with_files(admitted: Admitted, leaving: Mapping[str, Path], search: SessionSearch) -> Admitted:
    """The same with the digests of what leaves, and with what was searched."""
    digests = {name: sha256(path) for name, path in leaving.items()}
    computed = {name for name in digests if name.startswith("derivatives/")}
    kinds = Counter(one.kind for one in search.identifiers.values)
    return msgspec.structs.replace(
        admitted,
        files={name: digest for name, digest in digests.items() if name not in computed},
        derivatives={name: digest for name, digest in digests.items() if name in computed},
        leak_check=LeakCheck(
            identifiers=len(search.identifiers),
            kinds=dict(sorted(kinds.items())),
            files=len(leaving),
            bytes=sum(path.stat().st_size for path in leaving.values()),
            hits=0,
        ),
    )
