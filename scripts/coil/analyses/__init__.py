"""Analyses of the dataset: what the config says of them, and how one is run by itself.

`definitions` and `environments` are for the Snakefile; `dataset` is for what becomes of the
results; the others run beside an analysis, with the Python that Snakemake runs with.
"""
