"""From the archive into the quarantine."""
