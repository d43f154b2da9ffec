"""What of a converted session may leave, by allow-list."""
