"""Query strings, as XNAT's clients write them."""

import re
from urllib.parse import unquote_plus

CONTROL = {
    "columns", "format", "limit", "offset", "sortby", "sortorder", "req_format", "xsitype",
    "event_reason", "event_type", "event_action", "event_id", "all", "guest", "accessible",
    "structure", "file_format", "file_content", "locator", "completeness", "sortindex", "xnat_csrf",
    "overwrite", "extract", "allowdatadeletion", "requested_screen", "_",
    "inbody", "alias",
}  # fmt: skip
_MARKS = re.compile(r"=|\[|\]|%5[BD]", re.IGNORECASE)


class Query(list[tuple[str, str]]):
    """Pairs of name and value, in order. Names are looked up whatever their case."""

    def get(self, name: str, default: str = "") -> str:
        wanted = name.lower()
        return next((value for key, value in self if key.lower() == wanted), default)

    def flag(self, name: str) -> bool:
        return self.get(name).lower() in ("true", "1")


def parse(raw: str) -> Query:
    """The pairs of a query string; a `=` within brackets, as in `a[name=b]/c=d`, is no divide."""
    pairs = Query()
    for part in raw.split("&"):
        depth = 0
        cut = len(part)
        for match in _MARKS.finditer(part):
            mark = match.group().upper()
            if mark == "=" and depth == 0:
                cut = match.start()
                break
            depth += {"[": 1, "%5B": 1, "]": -1, "%5D": -1}.get(mark, 0)
        if part:
            pairs.append((unquote_plus(part[:cut]), unquote_plus(part[cut + 1 :])))
    return pairs
