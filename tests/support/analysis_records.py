"""Records of analyses as their jobs leave them, for tests of what reads them."""

from pathlib import Path
from typing import Any

from coil.records.analysis import AnalysisRecord


def write(path: Path, **fields: Any) -> AnalysisRecord:
    """Write an analysis' record to `records/<scope>/<name>.json`; done if nothing is said."""
    said: dict[str, Any] = {"state": "done", "stage": path.stem, "log": f"{path.stem}.log"}
    record = AnalysisRecord(**said | fields)
    record.write(path)
    return record
