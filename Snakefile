"""Coil: scanner data out of XNAT, into BIDS, through analyses, and back.

The targets are below; `snakemake --list` shows them. README.md is the way in.
"""

from pathlib import Path

from snakemake.utils import min_version

min_version("9.25")


if Path("config/config.yaml").is_file():  # not before `init`

    configfile: "config/config.yaml"


pathvars:
    private="private",
    quarantine="quarantine",
    unit="sub-{subject}_ses-{session}",


wildcard_constraints:
    project="[A-Za-z0-9_-]+",
    subject="[A-Za-z0-9]+",
    session="[A-Za-z0-9]+",


localrules:
    all,


include: "rules/common.smk"
include: "rules/common_records.smk"
include: "rules/common_memory.smk"
include: "rules/common_discover.smk"
include: "rules/discover.smk"
include: "rules/preview.smk"
include: "rules/pull.smk"
include: "rules/convert.smk"
include: "rules/anonymize.smk"
include: "rules/export.smk"
include: "rules/dataset.smk"
include: "rules/merge.smk"
include: "rules/common_analyses.smk"
include: "rules/doctor.smk"
include: "rules/analyse.smk"
include: "rules/report.smk"
include: "rules/push.smk"
include: "rules/lock.smk"


rule all:
    """Everything that the config asks for: pull, convert, anonymize, analyse, report, push."""
    default_target: True
    input:
        of_projects("<results>/{project}/reports/index.html"),
        of_projects("<results>/{project}/reports/data_protection.html"),
        of_projects("<results>/{project}/status.tsv"),
        of_projects("<results>/{project}/run.lock.yaml"),
        of_merged("<results>/{project}/validation.json"),
        scanner_datasets,
        records("all"),
    message:
        "all is up to date"
