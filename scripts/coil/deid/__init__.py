"""De-identification: pseudonyms, dates, allow-lists, defacing and the leak check."""
