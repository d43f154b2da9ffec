"""Where the demo's things lie."""

from pathlib import Path

from coil.workspace import CHECKOUT
from demo import paths


def test_the_demo_and_the_workflow_agree_on_the_checkout() -> None:
    assert paths.CHECKOUT == CHECKOUT
    assert (CHECKOUT / paths.CONFIG).is_file()


def test_no_other_module_of_the_demo_says_where_something_lies() -> None:
    folder = Path(paths.__file__).parent
    for path in folder.glob("*.py"):
        if path.name != "paths.py":
            assert "Path(__file__)" not in path.read_text(), path.name
            assert '"truth.json"' not in path.read_text(), path.name
