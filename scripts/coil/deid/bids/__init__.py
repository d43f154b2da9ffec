"""What of a converted session may leave, by allow-list.

terms           what the config lets pass, and what dates are moved by
trees           which files: known kinds, in known places
session_files   each file cleaned by what it is, and the count of what stayed behind
sidecar, tables, recordings   how: keys, columns and numbers that are known
descriptions    the words that a series' description may say
scans           the series as the record shows them, and scans.tsv
session_search  the search for the session's identifiers
anonymize       all of it: the one door
"""
