"""How counts are written."""


def plural(count: int, one: str, many: str | None = None) -> str:
    """A count with its noun.

    >>> plural(1, "volume"), plural(0, "volume"), plural(2, "series", "series")
    ('1 volume', '0 volumes', '2 series')
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"
