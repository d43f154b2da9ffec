"""What the sessions of a dataset share: its descriptions, its tables, its validation."""
