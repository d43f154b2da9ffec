"""XNAT's data model: its types and their fields, from its schema."""
