"""What localxnat refuses: every way out of a resource, every bomb, every smuggled line."""

import base64
import io
import os
import socket
import stat
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from localxnat.errors import Refused
from localxnat.storage import archives
from localxnat.storage.incoming import Incoming
from localxnat.storage.resources import Resources
from localxnat.storage.store import Store
from localxnat.testing import PACKAGE_ROOT, Server
from localxnat.tests.support import Raw

PROJECT = "/data/projects/DEMO"


def send(server: Server, method: str, target: str, body: bytes = b"e", head: str = "") -> bytes:
    """A request as it is, byte by byte: clients tidy paths. Returns the whole answer."""
    login = base64.b64encode(f"{server.user}:{server.password}".encode()).decode()
    text = (
        f"{method} {target} HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {login}\r\n{head}"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    port = int(server.url.rpartition(":")[2])
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(text.encode("latin-1") + body)
        try:
            while data := connection.recv(1 << 16):
                answer += data
        except ConnectionResetError:  # it hung up before it had read everything
            pass
    return answer


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def outside(server: Server) -> set[str]:
    """What lies around the server's folder, and in it outside of its archive."""
    around = {path.name for path in server.root.parent.iterdir()}
    return around | {path.name for path in server.root.iterdir()}


# Paths ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("dots", ["..", "%2e%2e", "%2E.", "a/..", "a/%2e%2e/.."])
@pytest.mark.parametrize("where", ["/resources/R/files/{}/evil", "/resources/{}/files/evil"])
def test_no_address_leaves_its_resource(server: Server, dots: str, where: str) -> None:
    before = outside(server)
    target = PROJECT + where.format(dots)
    assert status(send(server, "PUT", target)) in (400, 404, 417)
    assert status(send(server, "GET", target, b"")) == 404
    assert outside(server) == before
    assert not list(server.root.rglob("evil"))


@pytest.mark.parametrize(
    "target",
    [
        f"{PROJECT}/files/../../../localxnat.sqlite3",
        f"{PROJECT}/resources/R/files/..%2f..%2f..%2f..%2flocalxnat.sqlite3",
        f"{PROJECT}/resources/R/files/%2fetc%2fpasswd",
        "/app/..%2f..%2f..%2fetc/passwd",
        "/app/../pages.py",
        "/xapi/schemas/..%2f..%2fapp.py",
        "/xapi/schemas/../../../../etc/passwd",
    ],
)
def test_nothing_outside_the_archive_is_read(server: Server, target: str) -> None:
    assert status(send(server, "GET", target, b"")) in (400, 404)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("C:%5Cevil", 400), ("C:evil", 400), ("a%5C..%5Cevil", 400), ("a%00evil", 400),
        ("%ffevil", 400), ("%ed%a0%80evil", 400), ("x" * 256, 400), ("y/" * 600 + "evil", 400),
        ("%0d%0aX-Evil:%20yes", 404), ("a%7fevil", 400),
    ],
)  # fmt: skip
def test_a_file_name_that_no_folder_should_hold_is_refused(
    server: Server, name: str, expected: int
) -> None:
    answer = send(server, "PUT", f"{PROJECT}/resources/R/files/{name}")
    assert status(answer) == expected
    assert b"<h3>" in answer
    assert b"\r\nX-Evil" not in answer


@pytest.mark.parametrize(
    "label",
    ["%2e%2e", "a%2fb", "a%00b", "a%0ab", "%3Cscript%3E", "%25", "a'b", "a%22b", "%F0%9F%98%80",
     "z" * 300, "a%20b"],
)  # fmt: skip
@pytest.mark.parametrize("what", ["/data/projects/{}", PROJECT + "/subjects/{}"])
def test_a_label_has_letters_digits_and_little_else(server: Server, what: str, label: str) -> None:
    answer = send(server, "PUT", what.format(label), b"")
    # %0a matches no route at all.
    assert status(answer) in (417, 404)
    assert b"<h3>" in answer


def test_sql_in_a_label_is_text_and_its_wildcards_find_nothing_else(raw: Raw) -> None:
    raw("PUT", f"{PROJECT}/subjects/W_x")
    raw("PUT", f"{PROJECT}/subjects/W_y/resources/a_b/files/kept", data=b"k")
    for name in ("W__", "%25", "_", "' OR 1=1 --"):
        assert raw("GET", f"{PROJECT}/subjects/{name}").status_code == 404
    for query in ("'; DROP TABLE objects; --", "' OR '1'='1", "W_' UNION SELECT 1"):
        assert raw.rows(f"{PROJECT}/subjects", label=query) == []
    # Renaming W_x moves nothing of WAx, which a LIKE of "W_x/%" would match.
    raw("PUT", f"{PROJECT}/subjects/WAx")
    raw("PUT", f"{PROJECT}/subjects/WAx/resources/R/files/mine", data=b"mine")
    raw("PUT", f"{PROJECT}/subjects/W_x?label=W_z")
    assert raw("GET", f"{PROJECT}/subjects/WAx/resources/R/files/mine").content == b"mine"


# Archives ------------------------------------------------------------------------------------


def zipped(name: str, mode: int = 0, data: bytes = b"e") -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("good", b"g")
        info = zipfile.ZipInfo()
        info.filename, info.external_attr = name, mode << 16
        archive.writestr(info, data)
    return packed.getvalue()


def tarred(name: str, kind: bytes = tarfile.REGTYPE) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, "/etc/passwd"
        archive.addfile(info)
    return packed.getvalue()


EVIL = ["../evil", "/evil", "a/../../evil", "a\\..\\evil", "C:\\evil", "C:evil", "\\\\host\\evil",
        "a\nevil", "x" * 300 + "evil", "a//evil", "./../evil"]  # fmt: skip


@pytest.mark.parametrize("name", EVIL)
def test_a_member_that_would_leave_is_refused_with_all_of_its_archive(
    server: Server, raw: Raw, session: str, name: str
) -> None:
    for form, data in (("zip", zipped(name)), ("tar", tarred(name))):
        answer = raw("PUT", f"{session}/resources/R/files/up.{form}?extract=true", data=data)
        assert answer.status_code == 400
        assert "<h3>" in answer.text
    assert raw.rows(f"{session}/resources") == []
    assert not list(server.root.rglob("*evil*"))
    assert not list((server.root / ".incoming").iterdir())


def test_links_and_devices_in_an_archive_are_refused(raw: Raw, session: str) -> None:
    kinds = (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE)
    uploads = [("tar", tarred("evil", kind)) for kind in kinds]
    uploads += [("zip", zipped("evil", mode | 0o644)) for mode in (stat.S_IFLNK, stat.S_IFCHR)]
    for form, data in uploads:
        answer = raw("PUT", f"{session}/resources/R/files/up.{form}?extract=true", data=data)
        assert answer.status_code == 400
    assert raw.rows(f"{session}/resources") == []


def test_a_name_in_a_tar_that_is_no_text_is_refused(raw: Raw, session: str) -> None:
    data = tarred("placeholder").replace(b"placeholder", b"pl\xffceholder")
    header = bytearray(data[:512])
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    answer = raw(
        "PUT", f"{session}/resources/R/files/up.tar?extract=true", data=bytes(header) + data[512:]
    )
    assert answer.status_code == 400


def test_a_member_below_another_member_is_refused(server: Server, raw: Raw, session: str) -> None:
    answer = raw(
        "PUT", f"{session}/resources/R/files/up.zip?extract=true", data=zipped("good/below")
    )
    assert answer.status_code == 409
    Resources(Store(server.root)).recover()
    assert raw.rows(f"{session}/resources") == []


def test_a_bomb_is_refused_before_it_goes_off(server: Server, raw: Raw, session: str) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(1 << 20))
    # As it would be with 2 GiB of zeros, which take their time to pack.
    bomb = packed.getvalue().replace((1 << 20).to_bytes(4, "little"), b"\0\0\0\x80")
    path = f"{session}/resources/R/files/up.zip?extract=true"
    answer = raw("PUT", path, data=bomb)
    assert answer.status_code == 400
    assert "far more than its size" in answer.text
    answer = raw("POST", "/data/services/import?project=DEMO", data=bomb)
    assert answer.status_code == 400
    assert not list((server.root / ".incoming").iterdir())


@pytest.mark.parametrize("form", ["zip", "tar.gz"])
def test_a_bomb_that_hides_its_size_is_stopped_while_it_unpacks(tmp_path: Path, form: str) -> None:
    allowed = archives.Unpacking(size=1000, ratio=2)
    upload = tmp_path / f"up.{form}"
    if form == "zip":
        with zipfile.ZipFile(upload, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("zeros", bytes(1 << 20))
        # The directory says 10 bytes.
        data = upload.read_bytes()
        upload.write_bytes(data.replace((1 << 20).to_bytes(4, "little"), b"\n\0\0\0"))
    else:
        with tarfile.open(upload, "w:gz") as archive:
            info = tarfile.TarInfo("zeros")
            info.size = 1 << 20
            archive.addfile(info, io.BytesIO(bytes(1 << 20)))
    folder = tmp_path / "incoming"
    folder.mkdir()
    with pytest.raises(Refused):
        archives.extract(upload, f"up.{form}", lambda: Incoming(folder), allowed)
    assert not list(folder.iterdir())


# Requests ------------------------------------------------------------------------------------


def test_no_label_or_file_name_writes_a_header(server: Server, raw: Raw, session: str) -> None:
    name = 'q";\u2028 filename=evil.html'
    path = f"{session}/resources/R/files/{name}"
    assert raw("PUT", path, data=b"x").status_code == 200
    for target in (path, f"{session}/files?format=zip", f"{session}/resources/R/files?format=tar"):
        answer = raw("GET", target)
        assert answer.status_code == 200
        assert "evil" not in str(answer.headers)
    smuggled = send(server, "GET", f"{session}/files?format=zip%0d%0aX-Evil:%20yes", b"")
    assert b"\r\nX-Evil" not in smuggled
    answer = raw("PUT", f"{PROJECT}/subjects?label=a%0d%0aX-Evil:%20yes")
    assert answer.status_code == 417


def test_huge_headers_and_addresses_are_refused(server: Server) -> None:
    head = f"X-Large: {'a' * 300_000}\r\n"
    assert status(send(server, "GET", "/data/projects", b"", head)) == 400
    assert status(send(server, "GET", f"/data/projects?a={'a' * 300_000}", b"")) == 400
    assert status(send(server, "GET", "/data/projects", b"")) == 200


@pytest.mark.parametrize(
    "path",
    ["/data/search", "/xapi/users", "/data/services/auth", "/app/login", "/data/services/archive"],
)
def test_a_huge_body_that_is_no_file_is_refused(raw: Raw, path: str) -> None:
    answer = raw("POST", path, data=bytes(17 << 20))
    assert answer.status_code == 413
    pieces = (bytes(1 << 20) for _ in range(17))
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = raw("POST", path, data=pieces, headers=form)
    assert answer.status_code in (400, 413)


@pytest.mark.parametrize(
    "path",
    [
        "/data/projects/files",
        "/data/projects/DEMO/subjects/files",
        "/data/projects/files/subjects/S1",
        f"{PROJECT}/subjects/S1/experiments/files/scans/files",
        "/data/experiments/LOCAL_E00001/resources/files",
        "/data/user/cache/files",
        "/xapi/custom-fields/projects/files/fields",
        "/data/projects/files/services/import",
        "/data/search/saved/files",
    ],
)
def test_a_name_that_is_the_word_files_does_not_make_a_body_a_file(raw: Raw, path: str) -> None:
    answer = raw("PUT", path, data=bytes(17 << 20), headers={"Content-Type": "text/xml"})
    assert answer.status_code == 413


@pytest.mark.parametrize("entity", ["<!DOCTYPE a [<!ENTITY b 'c'>]>", "<!DOCTYPE a SYSTEM 'x'>"])
def test_a_document_with_entities_is_refused(raw: Raw, entity: str) -> None:
    assert raw("POST", "/data/search", data=f"{entity}<a>&b;</a>".encode()).status_code == 422


def test_requests_that_differ_on_their_length_are_refused(server: Server) -> None:
    head = "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"
    assert status(send(server, "PUT", f"{PROJECT}/resources/R/files/x", b"e", head)) == 400


# Access --------------------------------------------------------------------------------------


def test_only_this_machine_is_served_by_default(server: Server) -> None:
    assert server.url.startswith("http://127.0.0.1:")
    done = subprocess.run(
        [sys.executable, "-m", "localxnat", "serve", "--help"],
        capture_output=True,
        text=True,
        check=True,
        cwd=PACKAGE_ROOT,
    )
    assert "this machine only" in done.stdout


def test_no_password_or_secret_is_on_the_disk(server: Server, raw: Raw) -> None:
    secret = "a-Password-Like-No-Other"
    raw("POST", "/xapi/users", json={"username": "hidden", "password": secret})
    token = raw("GET", "/data/services/tokens/issue").json()
    client = Raw(server)
    client.session.auth = ("hidden", secret)
    assert client("GET", "/data/projects").status_code == 200
    raw("GET", f"/data/services/tokens/invalidate/{token['alias']}/{token['secret']}")
    stored = b"".join(path.read_bytes() for path in server.root.iterdir() if path.is_file())
    assert secret.encode() not in stored
    assert str(token["secret"]).encode() not in stored


def test_the_login_cookie_is_out_of_reach_of_scripts_and_other_sites(server: Server) -> None:
    form = {"username": server.user, "password": server.password}
    client = Raw(server)
    client.session.auth = None
    cookies = [
        client("PUT", "/data/services/auth", data=form).headers["Set-Cookie"],
        client("POST", "/app/login", data=form, allow_redirects=False).headers["Set-Cookie"],
    ]
    for cookie in cookies:
        login = cookie.partition(", SESSION")[0]
        assert "JSESSIONID=" in login
        assert "HttpOnly" in login
        assert "SameSite=Lax" in login


def test_the_folder_is_for_its_owner_alone(server: Server, raw: Raw) -> None:
    raw("PUT", f"{PROJECT}/resources/R/files/private", data=b"x")
    for path in (server.root / name for name in ("archive", "prearchive", ".incoming")):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0


def test_a_refusal_says_nothing_that_was_asked_as_html(server: Server) -> None:
    answer = send(server, "GET", "/data/projects/%3Cscript%3Ealert(1)%3C/script%3E", b"")
    assert b"<script>" not in answer
    assert os.fsencode(server.root) not in answer
