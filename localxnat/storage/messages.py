"""The messages of imports that go on, for those who listen; in memory, as in XNAT."""

import threading
from dataclasses import dataclass, field

MOST = 1000


@dataclass(frozen=True)
class Message:
    """How far an import is, or how it ended if it is the `last` one."""

    status: str
    text: str
    last: bool

    def row(self) -> dict[str, object]:
        """The message as XNAT has it."""
        return {"status": self.status, "msg": self.text, "terminal": self.last}


@dataclass
class Messages:
    """The messages of one import; `user` and `login` are whose it is."""

    user: str = ""
    login: str = ""
    rows: list[Message] = field(default_factory=list)

    def add(self, status: str, message: str, *, last: bool = False) -> None:
        self.rows.append(Message(status, message, last))


class Statuses:
    """The messages of imports by who began them and their listeners, of the last MOST."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], Messages] = {}
        self._lock = threading.Lock()

    def open(self, login: str, user: str, listener: str) -> Messages:
        """New messages; nobody finds those without a listener."""
        made = Messages(user, login)
        if listener:
            with self._lock:
                self._kept[user, listener] = made
                for old in list(self._kept)[:-MOST]:
                    del self._kept[old]
        return made

    def find(self, user: str, listener: str) -> Messages:
        return self._kept.get((user, listener), Messages())
