"""What the config says of who is who: `identity`."""

from pathlib import Path
from typing import Literal

from coil.deid.identity.identities import load_secret
from coil.records import Part

Labels = Literal["hmac", "table", "label"]


class Identity(Part, frozen=True, kw_only=True):
    """The naming of participants in the dataset, and the rules for dates.

    The config's schema says what each key means; `table` and `secret_file` are the lab's own files.
    """

    subjects: Labels = "hmac"
    sessions: Labels = "hmac"
    dates: Literal["shift", "none"] = "shift"
    time_of_day: Literal["keep", "drop"] = "keep"
    table: str | None = None
    secret_file: str | None = None

    def secret(self, private: Path) -> bytes:
        """The secret of the project whose folder `private` is; see `load_secret`."""
        return load_secret(Path(self.secret_file or private / "secret"), create=False)
