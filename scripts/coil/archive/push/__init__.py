"""From the results into the archive, and back out of it."""
