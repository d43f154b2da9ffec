"""Records of analyses, also those that were written before they had a version."""

from pathlib import Path

from coil import files
from coil.records.analysis import AnalysisRecord


def read_analysis(path: Path) -> AnalysisRecord:
    """The record in a file; `RecordError` if it does not fit."""
    fields = files.read_json(path)
    known = {key: fields[key] for key in AnalysisRecord.__struct_fields__ if key in fields}
    return AnalysisRecord.from_fields({"version": AnalysisRecord.VERSION, **known}, path.name)


def read_analysis_or_none(path: Path) -> AnalysisRecord | None:
    """The same; None where there is no file."""
    return read_analysis(path) if path.is_file() else None
