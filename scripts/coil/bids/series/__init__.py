"""What a series is, by its folder's headers and by the archive's listing."""
