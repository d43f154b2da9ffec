"""The login that jobs share says to nobody what it is."""

from pathlib import Path

from coil.records.login import Token

TOKEN = Token("https://xnat.example.org", "0123456789ABCDEF")


def test_a_login_in_a_message_is_the_server_alone() -> None:
    assert "0123456789ABCDEF" not in f"{TOKEN} {TOKEN!r} {[TOKEN]}"
    assert TOKEN.headers == {"Cookie": "JSESSIONID=0123456789ABCDEF"}


def test_a_file_of_another_form_is_no_login(tmp_path: Path) -> None:
    path = tmp_path / "login.json"
    TOKEN.write(path, 0o600)
    assert Token.read_or_none(path) == TOKEN
    path.write_text('{"server": "https://xnat.example.org", "session": "x", "ca_bundle": null}')
    assert Token.read_or_none(path) is None
