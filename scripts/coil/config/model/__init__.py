"""The model of the config: every key with its type, its default and what it means."""
