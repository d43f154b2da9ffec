"""Users and passwords at archives in the environment, and where they are while jobs are sent.

What `sbatch` sends along is the environment, so that they must not be in there.
"""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

_LOGIN = re.compile(r"XNAT(_\w+)?_(USER|PASS)")
_HIDDEN = "COIL_LOGIN"


def hide_login() -> None:
    """Take users and passwords at archives out of the environment, which sbatch sends along.

    They lie in memory instead that this user's processes on this machine can read, by the
    path in COIL_LOGIN, until this process ends.
    """
    logins = {key: os.environ.pop(key) for key in list(os.environ) if _LOGIN.fullmatch(key)}
    if logins:
        memory = os.memfd_create("login")
        os.write(memory, json.dumps(logins).encode())
        os.environ[_HIDDEN] = f"/proc/{os.getpid()}/fd/{memory}"


def login() -> Mapping[str, str]:
    """The variables with users and passwords, also where `hide_login` took them."""
    if path := os.environ.get(_HIDDEN):
        try:
            return json.loads(Path(path).read_text())
        except OSError:  # another machine's
            return {}
    return {key: value for key, value in os.environ.items() if _LOGIN.fullmatch(key)}
