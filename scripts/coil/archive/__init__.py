"""All that speaks to XNAT."""
