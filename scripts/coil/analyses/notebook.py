"""A notebook as an analysis: the commands that execute it, and the bytes that it leaves."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# What papermill and the kernel note of when and where a notebook was executed.
_PASSING = ("papermill", "execution")


def commands(source: Path, executed: Path, parameters: Path) -> tuple[list[str], list[str]]:
    """The commands that execute a notebook, and that make a page of it."""
    papermill = ["papermill", str(source), str(executed), "-f", str(parameters)]
    page = ["jupyter", "nbconvert", "--to", "html", str(executed)]
    return [*papermill, "--no-progress-bar", "--no-request-save-on-cell-execute"], page


def normalise(path: Path, scratch: Path, parameters: Mapping[str, object]) -> None:
    """Take out of an executed notebook what differs from one run to the next.

    Times, durations and random identifiers of cells go, and the path of the scratch folder. The
    cell with the `parameters` is written anew: papermill breaks its lines by the paths' lengths.
    """
    text = path.read_text(encoding="utf-8")
    book = json.loads(text.replace(f"{scratch}/", ""))
    lines = [f"{name} = {value!r}\n" for name, value in parameters.items()]
    for number, cell in enumerate(book["cells"], start=1):
        if "injected-parameters" in cell["metadata"].get("tags", []):
            cell["source"] = [line.replace(f"{scratch}/", "") for line in lines]
        cell["metadata"] = _lasting(cell["metadata"])
        cell["id"] = f"cell-{number}"
    book["metadata"] = _lasting(book["metadata"])
    path.write_text(json.dumps(book, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def error(path: Path) -> str | None:
    """`cell 3: ValueError: message` of the cell that raised, if one did."""
    if not path.is_file():
        return None
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = [c for c in cells if c["cell_type"] == "code" and not _tagged(c)]
    for number, cell in enumerate(code, start=1):
        for output in cell["outputs"]:
            if output["output_type"] == "error":
                return f"code cell {number}: {output['ename']}: {output['evalue']}"
    return None


def _tagged(cell: Mapping[str, Any]) -> bool:
    """Whether papermill put the cell in."""
    return any(t.startswith(("injected-", "papermill-")) for t in cell["metadata"].get("tags", []))


def _lasting(metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    return {key: value for key, value in metadata.items() if key not in _PASSING}
