"""Push to a live archive that misbehaves on demand."""

import json
from collections.abc import Iterator
from itertools import count as numbers
from pathlib import Path
from typing import Any

import pytest
import requests

from coil.archive.client import Address, Archive, connect
from coil.archive.listing import Session
from coil.archive.push.plan import Upload
from coil.archive.push.push import push
from coil.archive.resources import Resource, ResourceFile
from coil.errors import ArchiveError, DataError, RecordError, RefusedError
from coil.files import md5
from coil.records.push import PushRecord
from localxnat.testing import Server

NUMBERS = numbers()


def base(session: Session) -> str:
    return f"/data/experiments/{session.id}"


def push_files(archive: Archive, base: str, label: str, sources: dict[str, Path]) -> PushRecord:
    """Push files into one resource of the session or the project."""
    return push(
        archive,
        base,
        Upload(label, {ResourceFile(Resource(label), n): p for n, p in sources.items()}),
    )


def page(tmp_path: Path, text: str) -> dict[str, Path]:
    path = tmp_path / "page.html"
    path.write_text(text)
    return {"report.html": path}


def test_what_is_pushed_is_read_back_with_its_digest(
    archive: Archive, session: Session, tmp_path: Path
) -> None:
    sources = page(tmp_path, "one")
    receipt = push_files(archive, base(session), "first", sources)
    assert receipt.files == {"report.html": md5(sources["report.html"])}
    assert receipt.pushed == ("report.html",)


def test_a_second_push_of_the_same_bytes_sends_nothing(
    archive: Archive, session: Session, tmp_path: Path
) -> None:
    push_files(archive, base(session), "second", page(tmp_path, "one"))
    receipt = push_files(archive, base(session), "second", page(tmp_path, "one"))
    assert (receipt.pushed, receipt.unchanged) == ((), ("report.html",))


def test_what_this_workflow_wrote_is_replaced(
    archive: Archive, session: Session, tmp_path: Path
) -> None:
    push_files(archive, base(session), "third", page(tmp_path, "one"))
    receipt = push_files(archive, base(session), "third", page(tmp_path, "two"))
    assert receipt.pushed == ("report.html",)


def test_what_somebody_else_wrote_is_left_alone(
    archive: Archive, session: Session, tmp_path: Path
) -> None:
    resource = f"{base(session)}/resources/fourth"
    archive.put(resource)
    archive.put(f"{resource}/files/report.html", data=b"a colleague's")
    with pytest.raises(DataError, match="that this workflow did not write"):
        push_files(archive, base(session), "fourth", page(tmp_path, "ours"))
    with archive.stream(f"{resource}/files/report.html") as chunks:
        assert b"".join(chunks) == b"a colleague's"


def test_what_somebody_changed_after_us_is_left_alone(
    archive: Archive, session: Session, tmp_path: Path
) -> None:
    push_files(archive, base(session), "fifth", page(tmp_path, "one"))
    file = f"{base(session)}/resources/fifth/files/report.html"
    archive.put(file, data=b"annotated by hand", overwrite="true")
    with pytest.raises(DataError, match="that this workflow did not write"):
        push_files(archive, base(session), "fifth", page(tmp_path, "two"))


def test_a_push_cut_off_after_its_upload_knows_its_own_file_the_next_time(
    archive: Archive, session: Session, tmp_path: Path, server: Server
) -> None:
    push_files(archive, base(session), "sixth", page(tmp_path, "one"))
    # The listing after the upload fails, so that the receipt is not complete.
    server.faults(
        {"path": "sixth/files\\?", "skip": 1, "times": 0, "fault": {"status": 500}},
    )
    with pytest.raises(ArchiveError):
        push_files(archive, base(session), "sixth", page(tmp_path, "two"))
    assert receipt(server, archive, session, "sixth")["complete"] is False
    server.faults()
    pushed = push_files(archive, base(session), "sixth", page(tmp_path, "three"))
    assert pushed.pushed == ("report.html",)
    assert receipt(server, archive, session, "sixth")["complete"] is True


def receipt(server: Server, archive: Archive, session: Session, label: str) -> dict:
    """The receipt in a resource, whatever faults are set."""
    login = (server.user, server.password)
    url = f"{server.url}{base(session)}/resources/{label}/files/receipt.json"
    return requests.get(url, auth=login, timeout=20).json()


LATE = {
    "503 after the bytes arrived": {"status": 503, "done": True},
    "the answer is the login page": {"login_page": 200},
    "a redirect to the login page": {"login_page": 302},
    "401 after success": {"status": 401, "done": True},
    "503 before anything arrived": {"status": 503},
    "500": {"status": 500},
    "the login ends in mid-transfer": {"expire": "during"},
    "the login ended": {"expire": "before"},
    "the answer is cut": {"truncate": 0, "end": "close"},
    "the connection is reset": {"truncate": 0, "end": "reset"},
    "it is done twice": {"twice": True},
}


@pytest.mark.parametrize("upload", ["receipt.json", "report.html"])
@pytest.mark.parametrize("fault", LATE.values(), ids=LATE)
def test_an_upload_that_goes_wrong_once_is_looked_at_and_ends_right(
    archive: Archive, session: Session, tmp_path: Path, server: Server, fault: dict, upload: str
) -> None:
    label = f"late{next(NUMBERS)}"
    server.faults({"method": "PUT", "path": f"{label}/files/{upload}", "fault": fault})
    sources = page(tmp_path, "one")
    pushed = push_files(archive, base(session), label, sources)
    assert pushed.files == {"report.html": md5(sources["report.html"])}
    assert receipt(server, archive, session, label)["complete"] is True
    assert push_files(archive, base(session), label, sources).pushed == ()


def test_an_upload_that_arrived_is_not_sent_again(
    archive: Archive, session: Session, tmp_path: Path, server: Server
) -> None:
    fault = {"status": 503, "done": True}
    server.faults({"method": "PUT", "path": "once/files/report", "fault": fault})
    before = len(server.requests())
    push_files(archive, base(session), "once", page(tmp_path, "one"))
    sent = [line for line in server.requests()[before:] if "report.html" in line]
    assert len(sent) == 1


def test_an_archive_that_never_takes_a_file_fails_with_one_line(
    archive: Archive, session: Session, tmp_path: Path, server: Server
) -> None:
    fault = {"status": 503}
    server.faults({"method": "PUT", "path": "never/files/report", "times": 0, "fault": fault})
    with pytest.raises(ArchiveError, match="503"):
        push_files(archive, base(session), "never", page(tmp_path, "one"))
    assert receipt(server, archive, session, "never")["complete"] is False


def test_a_file_that_appears_between_check_and_create_is_left_alone(
    archive: Archive, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = archive.put

    def late(path: str, data: Any = None, **query: str) -> requests.Response:
        if path.endswith("report.html"):
            put(path, data=b"a colleague was faster")
        return put(path, data=data, **query)

    monkeypatch.setattr(archive, "put", late)
    with pytest.raises(DataError, match="that this workflow did not write"):
        push_files(archive, base(session), "seventh", page(tmp_path, "ours"))
    with archive.stream(f"{base(session)}/resources/seventh/files/report.html") as chunks:
        assert b"".join(chunks) == b"a colleague was faster"


@pytest.mark.parametrize("begun", [True, False])
def test_what_a_broken_upload_left_unlisted_is_replaced_only_if_it_was_ours(
    archive: Archive,
    session: Session,
    tmp_path: Path,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    begun: bool,
) -> None:
    label, put = f"unlisted{begun}", archive.put

    def stuck(path: str, data: Any = None, **query: str) -> requests.Response:
        """XNAT with a part of the file on its disk and not in its catalog."""
        if path.endswith("report.html") and "overwrite" not in query:
            answer = requests.Response()
            answer.status_code, answer._content = 200, b'{"duplicates":["report.html"]}'
            return answer
        return put(path, data=data, **query)

    if begun:
        server.faults(
            {"method": "PUT", "path": "files/report", "times": 0, "fault": {"status": 500}}
        )
        with pytest.raises(ArchiveError):
            push_files(archive, base(session), label, page(tmp_path, "one"))
        server.faults()
    monkeypatch.setattr(archive, "put", stuck)
    if begun:
        assert push_files(archive, base(session), label, page(tmp_path, "one")).pushed
    else:
        with pytest.raises(ArchiveError, match="did not take"):
            push_files(archive, base(session), label, page(tmp_path, "one"))


def test_somebody_elses_receipt_is_left_alone(
    archive: Archive, session: Session, tmp_path: Path
) -> None:
    file = f"{base(session)}/resources/eighth/files/receipt.json"
    archive.put(file, data=b"{}")
    with pytest.raises(DataError, match=r"a receipt\.json that this workflow did not write"):
        push_files(archive, base(session), "eighth", page(tmp_path, "one"))
    with archive.stream(file) as chunks:
        assert b"".join(chunks) == b"{}"


def test_files_without_digests_are_read_back(
    archive: Archive, session: Session, tmp_path: Path, server: Server
) -> None:
    server.faults({"path": "/files\\?", "times": 0, "fault": {"digest": "blank"}})
    sources = page(tmp_path, "one")
    pushed = push_files(archive, base(session), "ninth", sources)
    assert pushed.files == {"report.html": md5(sources["report.html"])}
    assert push_files(archive, base(session), "ninth", page(tmp_path, "two")).pushed
    assert push_files(archive, base(session), "ninth", page(tmp_path, "two")).pushed == ()


def test_a_digest_that_is_wrong_after_the_upload_is_no_success(
    archive: Archive, session: Session, tmp_path: Path, server: Server
) -> None:
    server.faults({"path": "tenth/files\\?", "skip": 1, "times": 0, "fault": {"digest": "wrong"}})
    with pytest.raises(ArchiveError, match="other bytes than were sent"):
        push_files(archive, base(session), "tenth", page(tmp_path, "one"))


def test_what_this_workflow_wrote_and_no_longer_has_is_removed(
    archive: Archive, session: Session, tmp_path: Path
) -> None:
    sources = {name: tmp_path / name for name in ("stays", "goes")}
    for name, path in sources.items():
        path.write_text(name)
    push_files(archive, base(session), "eleventh", sources)
    archive.put(f"{base(session)}/resources/eleventh/files/theirs", data=b"a note")
    pushed = push_files(archive, base(session), "eleventh", {"stays": sources["stays"]})
    assert pushed.removed == ("goes",)
    rows = archive.rows(f"{base(session)}/resources/eleventh/files")
    assert {row["Name"] for row in rows} == {"stays", "theirs", "receipt.json"}


@pytest.mark.parametrize("count", [1, 12])
def test_a_push_of_files_asks_once_for_each_and_four_times_more(
    archive: Archive, session: Session, tmp_path: Path, server: Server, count: int
) -> None:
    label = f"many{count}"
    sources = {f"{number}.txt": tmp_path / f"{number}.txt" for number in range(count)}
    for path in sources.values():
        path.write_text(path.name)
    before = len(server.requests())
    push_files(archive, base(session), label, sources)
    first = len(server.requests())
    push_files(archive, base(session), label, sources)
    assert first - before == count + 4  # look, receipt, files, read back, receipt
    assert len(server.requests()) - first == 1


def test_a_push_to_a_session_that_is_gone_says_so_and_writes_nothing(
    archive: Archive, tmp_path: Path
) -> None:
    with pytest.raises(RefusedError, match="404"):
        push_files(archive, "/data/experiments/LOCAL_E99999", "coil", page(tmp_path, "one"))


def log_in_as(user: str, role: str | None, archive: Archive, server: Server) -> None:
    """Make a user with this role in the project, or with none."""
    profile = {"username": user, "password": "reader"}
    login = (server.user, server.password)
    requests.post(f"{server.url}/xapi/users", json=profile, auth=login, timeout=20)
    if role:
        archive.put(f"/data/projects/P/users/{role}/{user}")


@pytest.fixture
def former(
    archive: Archive,
    session: Session,
    tmp_path: Path,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Archive]:
    """The connection of somebody who pushed to `former` and may edit the project no more."""
    log_in_as("former", "Members", archive, server)
    monkeypatch.setenv("XNAT_USER", "former")
    monkeypatch.setenv("XNAT_PASS", "reader")
    with connect(Address(server.url)) as connection:
        push_files(connection, base(session), "former", page(tmp_path, "one"))
        archive.put("/data/projects/P/users/Collaborators/former")
        yield connection
    archive.delete(f"{base(session)}/resources/former", removeFiles="true")


def test_who_may_edit_no_more_is_told_so_and_not_of_other_bytes(
    former: Archive, session: Session, tmp_path: Path
) -> None:
    with pytest.raises(RefusedError, match="this login may not edit the project"):
        push_files(former, base(session), "former", page(tmp_path, "two"))


def test_what_nobody_would_keep_is_not_sent(
    former: Archive,
    session: Session,
    tmp_path: Path,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("coil.archive.push.push.MUCH", 1)
    before = len(server.requests())
    with pytest.raises(RefusedError, match="may not edit the project"):
        push_files(former, base(session), "former", page(tmp_path, "two"))
    sent = [one for one in server.requests()[before:] if one.startswith("PUT")]
    assert len(sent) == 1 and "receipt.json" in sent[0]


def test_what_was_to_be_removed_and_is_still_there_is_told(
    archive: Archive, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    push_files(archive, base(session), "stays", page(tmp_path, "one"))
    monkeypatch.setattr(archive, "delete", lambda *_, **__: None)
    with pytest.raises(RefusedError, match="this login may not delete in the project"):
        push_files(archive, base(session), "stays", {})


@pytest.mark.parametrize("role", ["Collaborators", None])
def test_a_push_without_the_right_to_write_says_so_in_one_line(
    archive: Archive,
    session: Session,
    tmp_path: Path,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    role: str | None,
) -> None:
    user = f"reader{role}"
    log_in_as(user, role, archive, server)
    monkeypatch.setenv("XNAT_USER", user)
    monkeypatch.setenv("XNAT_PASS", "reader")
    with (
        connect(Address(server.url)) as reader,
        pytest.raises(RefusedError, match="may not edit" if role else "404") as refused,
    ):
        push_files(reader, base(session), f"as{role}", page(tmp_path, "one"))
    assert "\n" not in str(refused.value)
    assert archive.rows(f"{base(session)}/resources/as{role}/files", absent_ok=True) == []


def as_before_versions(receipt: dict) -> bytes:
    """A receipt as Coil wrote it before it gave it a version."""
    fields = {key: value for key, value in receipt.items() if key != "version"}
    return (json.dumps(fields, indent=1, sort_keys=True) + "\n").encode()


@pytest.mark.parametrize("complete", [True, False])
def test_a_receipt_of_an_earlier_version_is_honoured(
    archive: Archive, session: Session, server: Server, tmp_path: Path, complete: bool
) -> None:
    label = f"earlier{complete}"
    push_files(archive, base(session), label, page(tmp_path, "one"))
    known = receipt(server, archive, session, label)
    assert known["version"] == 1
    address = f"{base(session)}/resources/{label}/files/receipt.json"
    earlier = as_before_versions(known | {"complete": complete})
    archive.put(address, data=earlier, overwrite="true")
    before = len(server.requests())
    again = push_files(archive, base(session), label, page(tmp_path, "one"))
    assert (again.pushed, again.unchanged) == ((), ("report.html",))
    sent = [line for line in server.requests()[before:] if line.startswith("PUT")]
    assert len(sent) == (0 if complete else 1)  # one that is not complete is completed
    archive.put(address, data=earlier, overwrite="true")
    assert push_files(archive, base(session), label, page(tmp_path, "two")).pushed
    assert receipt(server, archive, session, label)["version"] == 1


def test_a_receipt_of_a_later_version_is_no_receipt_to_write_over(
    archive: Archive, session: Session, server: Server, tmp_path: Path
) -> None:
    push_files(archive, base(session), "later", page(tmp_path, "one"))
    later = receipt(server, archive, session, "later") | {"version": 99}
    address = f"{base(session)}/resources/later/files/receipt.json"
    archive.put(address, data=json.dumps(later).encode(), overwrite="true")
    with pytest.raises(RecordError, match=r"^receipt\.json: a later version of Coil wrote it; "):
        push_files(archive, base(session), "later", page(tmp_path, "two"))
    assert receipt(server, archive, session, "later")["version"] == 99
