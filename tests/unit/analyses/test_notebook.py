"""What is kept of an executed notebook is the same wherever it was executed."""

import json
from pathlib import Path

import pytest

from coil.analyses import notebook

LONG = "a_folder_with_a_long_name/" * 4


@pytest.mark.parametrize("source", ['bids = "{0}/bids"', 'bids = (\n    "{0}/bids"\n)'])
@pytest.mark.parametrize("folder", ["/short", f"/{LONG.rstrip('/')}"])
def test_the_parameters_do_not_tell_how_long_the_path_of_a_folder_was(
    tmp_path: Path, source: str, folder: str
) -> None:
    cell = {"cell_type": "code", "id": "x", "outputs": [], "source": source.format(folder)}
    cell["metadata"] = {"tags": ["injected-parameters"], "papermill": {"duration": 1.5}}
    path = tmp_path / "book.ipynb"
    path.write_text(json.dumps({"cells": [cell], "metadata": {"papermill": {}}}))
    notebook.normalise(path, Path(folder), {"bids": f"{folder}/bids", "params": {"n": 7}})
    (kept,) = json.loads(path.read_text())["cells"]
    assert kept["source"] == ["bids = 'bids'\n", "params = {'n': 7}\n"]
    assert kept["metadata"] == {"tags": ["injected-parameters"]}
