"""The refusal of a request: a status as XNAT would give it, and one line that says why."""


class Refused(Exception):  # noqa: N818 - it is an answer, not a failure of the server
    """A request that ends with an HTTP status instead of an answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
