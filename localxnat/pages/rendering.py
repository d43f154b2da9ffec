"""Pages from their templates."""

from pathlib import Path
from urllib.parse import quote

import jinja2
from starlette.responses import Response

from localxnat.api.access import Who

TEMPLATES = Path(__file__).parent / "templates"
_templates = jinja2.Environment(
    loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined
)
# The pages need no script, no frame and nothing from elsewhere.
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)


def _size(number: int | None) -> str:
    """The size of files; of a catalog that was never refreshed nobody knows it."""
    if number is None:
        return "unknown"
    amount = float(number)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


def _counted(number: int | None, word: str) -> str:
    """`1 file`, `1,200 files`; of what nobody counted, `files`."""
    if number is None:
        return f"{word}s"
    return f"{number:,} {word}{'' if number == 1 else 's'}"


_templates.filters["quoted"] = lambda text: quote(text, safe="/")
_templates.filters["size"] = _size
_templates.filters["counted"] = _counted


def page(name: str, who: Who | None, status: int = 200, **values: object) -> Response:
    """A page for people, which runs nothing and shows nothing from elsewhere."""
    login = who.user.login if who else None
    body = _templates.get_template(name).render(login=login, **values)
    headers = {"Content-Security-Policy": _POLICY, "X-Content-Type-Options": "nosniff"}
    return Response(body, status, headers, media_type="text/html")
