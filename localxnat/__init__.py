"""An XNAT-compatible archive in one process: XNAT's REST interface over SQLite and a folder."""

__version__ = "0.1.0"
XNAT_VERSION = "1.9.2"
