"""What the archive holds of a project, and what changed since the last time."""
