"""Passwords as they are stored: as scrypt hashes."""

import hashlib
import hmac
import os

_SCRYPT = {"n": 1 << 14, "r": 8, "p": 1}


def hashed(password: str) -> str:
    """`salt$hash` by scrypt, both in hex."""
    salt = os.urandom(16)
    return f"{salt.hex()}${hashlib.scrypt(password.encode(), salt=salt, **_SCRYPT).hex()}"


def matches(password: str, stored: str) -> bool:
    """Whether a password is the one that is stored."""
    salt, _, expected = stored.partition("$")
    found = hashlib.scrypt(password.encode(), salt=bytes.fromhex(salt), **_SCRYPT)
    return hmac.compare_digest(found.hex(), expected)
