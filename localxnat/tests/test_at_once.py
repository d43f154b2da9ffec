"""Requests that come at once: what is looked up, checked and written is one step.

While somebody else holds the database's write lock, requests may read as far as they like: where
one looks before it has the lock, all of them find what was there before any of them wrote.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
import requests

from localxnat.testing import Server, running
from localxnat.tests.support import Raw

MANY = 4


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of its own, with nothing in it."""
    with running(tmp_path_factory.mktemp("at_once")) as started:
        yield started


def at_once(server: Server, ask: Callable[[Raw, int], requests.Response]) -> list[int]:
    """The statuses of requests, by client and number, that all wait for the lock together."""
    clients = [Raw(server) for _ in range(MANY)]
    for client in clients:
        client("GET", "/data/JSESSION")
    database = sqlite3.connect(server.root / "localxnat.sqlite3", isolation_level=None)
    with closing(database), ThreadPoolExecutor(MANY) as pool:
        database.execute("BEGIN IMMEDIATE")
        answers = [pool.submit(ask, client, number) for number, client in enumerate(clients)]
        time.sleep(0.5)
        database.execute("ROLLBACK")
        return sorted(answer.result().status_code for answer in answers)


def test_one_of_several_receivers_is_enabled_at_a_title_and_port(server: Server) -> None:
    Raw(server)("GET", "/xapi/dicomscp")
    asked = {"aeTitle": "A", "port": 9000, "identifier": "dicomObjectIdentifier"}
    statuses = at_once(server, lambda raw, _: raw("POST", "/xapi/dicomscp", json=asked))
    assert statuses == [200] + [409] * (MANY - 1)


def test_changes_of_one_receiver_are_all_kept(server: Server) -> None:
    raw = Raw(server)
    made = {"aeTitle": "B", "port": 9001, "identifier": "dicomObjectIdentifier"}
    path = f"/xapi/dicomscp/{raw('POST', '/xapi/dicomscp', json=made).json()['id']}"
    names = ("label", "customProcessing", "directArchive", "whitelistEnabled")
    changes = [{name: "L" if name == "label" else True} for name in names]
    assert at_once(server, lambda raw, n: raw("PUT", path, json=changes[n])) == [200] * MANY
    found = raw("GET", path).json()
    assert [found[name] for name in names] == ["L", True, True, True]


def test_a_record_of_work_is_made_once_and_then_changed(server: Server) -> None:
    raw = Raw(server)
    raw("PUT", "/data/projects/WORK")
    record = {"ID": "WORK", "launch_time": "2024-05-01 10:00:00.000", "status": "Done",
              "data_type": "xnat:projectData", "pipeline_name": "SAME"}  # fmt: skip
    query = {f"wrk:workflowData/{name}": value for name, value in record.items()}
    statuses = at_once(server, lambda raw, _: raw("PUT", "/data/workflows", params=query))
    events = raw("GET", "/data/projects/WORK/history").json()["events"]
    assert statuses == [200] * MANY
    assert len([one for one in events if one["event_action"] == "SAME"]) == 1


def test_one_of_several_projects_takes_a_name(server: Server) -> None:
    def make(raw: Raw, number: int) -> requests.Response:
        return raw("PUT", f"/data/projects/NEW_{number}?name=Same")

    assert at_once(server, make) == [201] + [409] * (MANY - 1)


def test_one_of_several_projects_is_renamed_to_a_name(server: Server) -> None:
    for number in range(MANY):
        Raw(server)("PUT", f"/data/projects/OLD_{number}")

    def rename(raw: Raw, number: int) -> requests.Response:
        return raw("PUT", f"/data/projects/OLD_{number}?name=Renamed")

    assert at_once(server, rename) == [200] + [409] * (MANY - 1)
