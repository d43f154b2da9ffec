"""What is said of imports while they go on, for those who listen; in memory, as in XNAT."""

import threading
from dataclasses import dataclass, field
from typing import Any

MOST = 1000


@dataclass
class Messages:
    """What was said of one import; `user` and `login` are whose it is."""

    user: str = ""
    login: str = ""
    rows: list[dict[str, Any]] = field(default_factory=list)

    def add(self, status: str, message: str, *, last: bool = False) -> None:
        self.rows.append({"status": status, "msg": message, "terminal": last})


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
