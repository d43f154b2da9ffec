"""The login that the jobs of a run share: `private/.logins/<server>.json`, mode 0600."""

from typing import ClassVar

from coil.records import Record


class Token(Record, frozen=True):
    """A login that the server gave: where it redirects to, and its JSESSIONID."""

    VERSION: ClassVar[int] = 1

    server: str
    session: str
    ca_bundle: str | None = None

    def __repr__(self) -> str:
        """The server alone: who has the JSESSIONID is logged in."""
        return f"Token({self.server!r})"

    @property
    def headers(self) -> dict[str, str]:
        """The headers that show the login with a request."""
        return {"Cookie": f"JSESSIONID={self.session}"}
