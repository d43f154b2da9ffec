"""Numbers and figures from images."""
