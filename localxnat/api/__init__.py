"""XNAT's REST interface, from paths and queries to answers."""
