"""What a mapping would do, and a first mapping, before anything is pulled."""
