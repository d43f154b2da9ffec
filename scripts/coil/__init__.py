"""Coil: scanner data out of XNAT, into BIDS, through analyses, and back.

One package a subject, each of plain functions that know nothing of Snakemake:

archive   all that speaks to XNAT
bids      the mapping, the heuristic compiler, the dataset's files
deid      pseudonyms, dates, the sidecar allow-list, defacing, the leak check
imaging   numbers and figures from images
report    the HTML pages
"""

__version__ = "0.1.0"
