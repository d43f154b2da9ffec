"""One way to de-identify DICOM files, timed: export_peers.py NAME SOURCE TARGET.

Runs in an environment in which that tool is; prints the best of three rounds, in files a second of
processor time (which other work on the machine does not change). All
files of SOURCE are read from disk and written to TARGET, one after the other, on one core.
"""

import shutil
import sys
import time
import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

Work = Callable[[Path, Path], object]
ROUNDS = 3


def tool(name: str) -> Work:
    """The function that de-identifies one file."""
    return {
        "copyfile": lambda: shutil.copyfile,
        "pydicom": _pydicom,
        "coil": lambda: _coil("fast"),
        "coil and search": lambda: _coil("search"),
        "coil plain": lambda: _coil("plain"),
        "dcmanon": _dcmanon,
        "dicognito": _dicognito,
        "dicom-anonymizer": _dicom_anonymizer,
        "grand-challenge": _grand_challenge,
    }[name]()


def _pydicom() -> Work:
    import pydicom

    return lambda source, target: pydicom.dcmread(source).save_as(target)


def _coil(way: str) -> Work:
    from coil.deid.dicom import fast, parts, plain
    from coil.deid.dicom.profile import Profile
    from coil.deid.dicom.search import Search
    from coil.deid.leak.headers import collect
    from coil.deid.leak.search import Searcher
    from coil.files import write_parts

    profile = Profile(b"0123456789abcdef0123456789abcdef", "P", "k3v0q8zd", "b5t9x2ma", -50_000)
    family = parts.Family(profile)
    engine = fast.Engine(family)
    search: list[Search] = []

    def work(source: Path, target: Path) -> None:
        raw = source.read_bytes()
        chunks = [plain.clean(raw, family)] if way == "plain" else engine.clean(raw)
        if way == "search":
            if not search:
                found = collect(source.parents[2]).without("time")
                search.append(Search(Searcher(found), profile))
            if search[0].in_file(chunks):
                raise SystemExit("an identifier passed")
        write_parts(target, chunks)

    return work


def _dcmanon() -> Work:
    anonymizer = import_module("dcmanon").Anonymizer()
    return lambda source, target: target.write_bytes(anonymizer.anonymize(str(source)))


def _dicognito() -> Work:
    import pydicom

    anonymizer = import_module("dicognito.anonymizer").Anonymizer()

    def work(source: Path, target: Path) -> None:
        data = pydicom.dcmread(source)
        anonymizer.anonymize(data)
        data.save_as(target)

    return work


def _dicom_anonymizer() -> Work:
    tool = import_module("dicomanonymizer.simpledicomanonymizer")
    actions = tool.initialize_actions("dicomfields_2026c")
    return lambda source, target: tool.anonymize_dicom_file(
        str(source), str(target), base_rules_gen=lambda: actions
    )


def _grand_challenge() -> Work:
    package = "grand_challenge_dicom_de_identifier"
    tool = import_module(f"{package}.deidentifier").DicomDeidentifier()
    return lambda source, target: tool.deidentify_file(source, output=target)


def main(name: str, source: Path, target: Path) -> None:
    """Print the files a second."""
    warnings.simplefilter("ignore")
    files = sorted(path for path in source.rglob("*") if path.is_file() and path.suffix == ".dcm")
    best = 0.0
    for _ in range(ROUNDS):
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        work = tool(name)
        work(files[-1], target / "first.dcm")  # which reads tables and imports
        start = time.process_time()
        for number, path in enumerate(files):
            work(path, target / f"{number:06d}.dcm")
        best = max(best, len(files) / (time.process_time() - start))
    print(f"{best:.1f}")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
