"""Text of the archive on a terminal."""


def printable(text: str) -> str:
    """Text of the archive without what could steer a terminal."""
    return "".join(c if c.isprintable() else "?" for c in text)
