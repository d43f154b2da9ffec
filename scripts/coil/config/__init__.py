"""What the config says: read, checked, documented."""
