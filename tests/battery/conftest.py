"""Labs full of planted values, run; and whether the long half of the battery is wanted."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.battery import search
from tests.battery.study import Battery, build, configure
from tests.workflow.lab import Run

LONG = pytest.mark.skipif(
    not os.environ.get("COIL_BATTERY"), reason="the long half of the battery: make battery"
)


@dataclass
class Searched:
    """A battery after its runs, what they printed, and where values are."""

    battery: Battery
    runs: list[Run]
    in_input: dict[str, set[bytes]]

    def survivors(self, files: list[Path]) -> list[str]:
        """What was planted and is found in files of the lab."""
        plants, root = self.battery.plants, self.battery.lab.root
        return search.told(plants, search.search(plants, files, root))


@pytest.fixture(scope="package", params=["one session", pytest.param("whole study", marks=LONG)])
def searched(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Searched]:
    """The workflow's run on a session of small series, or on a study with all that there is."""
    whole = request.param == "whole study"
    root = tmp_path_factory.mktemp("battery")
    battery = build(root, request.param, whole, 1 + 2 * whole, broken=int(whole))
    held = search.search(battery.plants, battery.inputs(), battery.lab.root)
    configure(battery, whole)
    with battery.lab.open():
        if whole:  # shows what the archive says, to the person who asks
            assert battery.run("preview", "--config", "preview=headers").status == 0
        runs = [battery.run()]
        if whole:
            battery.override()
            runs += [battery.run(), battery.run("status")]
        yield Searched(battery, runs, held)
