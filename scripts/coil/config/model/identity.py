"""The words of `identity` in a project's file."""

from typing import Literal

from coil.config.model.table import Table

Naming = Literal["hmac", "table", "label"]


class Identity(Table, frozen=True, kw_only=True):
    """How participants are named, and what becomes of dates."""

    subjects: Naming = "hmac"
    """`hmac`: a pseudonym from the archive's subject ID and the project's secret. `table`: the
    label that the lab's own table gives. `label`: the archive's label as it is, which the lab
    vouches for. What is not letters and digits is no BIDS label; a session without one is left
    out, and told."""
    sessions: Naming = "hmac"
    """`hmac`, `table` or `label`, as for subjects."""
    table: str | None = None
    """The lab's own table of labels, CSV or TSV: `subject` (the archive's label or ID) and
    `participant_id`, and where sessions have labels of their own `session` and `session_id`. It
    names people, so keep it where only you can read it."""
    dates: Literal["shift", "none"] = "shift"
    """`shift`: all dates of a subject are moved by the same secret number of days to before
    1925, so that intervals stay. `none`: no dates at all."""
    time_of_day: Literal["keep", "drop"] = "keep"
    """`keep` or `drop` the time of day of acquisitions in scans.tsv."""
    secret_file: str | None = None
    """The project's secret; made on first use with mode 0600. Keep a copy in a safe place,
    without it the same participants get other pseudonyms. Default private/<name>/secret."""
