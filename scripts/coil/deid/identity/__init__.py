"""Who is who: pseudonyms, and dates that are shifted."""
