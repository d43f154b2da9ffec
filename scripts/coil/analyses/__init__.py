"""Analyses of the dataset: what the config says of them, and how one is run by itself.

`definitions` is for the Snakefile; the other modules run beside the analysis and need nothing
but Python's standard library.
"""
