# In:  the records of all sessions; demographics, questionnaires and the people whom the
#      sessions' headers name from <private>.
# Out: what the sessions of <results>/{project}/bids share (dataset_description.json,
#      participants.tsv, sessions.tsv, phenotype/), and the validator's verdict; likewise of
#      <results>/{project}/derivatives/scanner, where the mapping asks for it.


localrules:
    bids,


rule dataset:
    """Write what the sessions share, sorted, and take out sessions that are gone."""
    input:
        records=of_units("<results>/{project}/records/<unit>/admit.json"),
        people=of_units("<private>/{project}/people/<unit>.json"),
        subjects="<private>/{project}/subjects.json",
        questionnaires="<private>/{project}/phenotype",
        link=ancient("<private>/{project}/link.tsv"),
        archive=ancient("<private>/{project}/archive.json"),
    output:
        description="<results>/{project}/bids/dataset_description.json",
        summary="<results>/{project}/dataset.json",
    log:
        "<logs>/{project}/dataset.log",
    benchmark:
        "<benchmarks>/{project}/dataset.tsv"
    wildcard_constraints:
        project=one_of(PROJECTS),
    conda:
        "../envs/convert.yaml"
    params:
        settings=dataset_settings,
        sources=source_digests,
        made_by=code("pull", "convert", "anonymize"),
        code=code("dataset"),
    message:
        "{wildcards.project}: write what the sessions share"
    script:
        "../scripts/dataset.py"


rule validate:
    """Let the BIDS validator judge the whole dataset."""
    input:
        "<results>/{project}/dataset.json",
    output:
        verdict="<results>/{project}/validation.json",
    log:
        "<logs>/{project}/validate.log",
    benchmark:
        "<benchmarks>/{project}/validate.tsv"
    conda:
        "../envs/convert.yaml"
    params:
        code=code("validate"),
    message:
        "{wildcards.project}: validate the dataset"
    script:
        "../scripts/validate.py"


rule scanner_dataset:
    """Describe the derivative dataset of what the scanners computed, and validate it."""
    input:
        records=of_units("<results>/{project}/records/<unit>/admit.json"),
    output:
        verdict="<results>/{project}/derivatives/scanner.json",
    log:
        "<logs>/{project}/scanner_dataset.log",
    benchmark:
        "<benchmarks>/{project}/scanner_dataset.tsv"
    conda:
        "../envs/convert.yaml"
    params:
        authors=setting("bids", "authors"),
        code=code("scanner_dataset"),
    message:
        "{wildcards.project}: describe what the scanners computed"
    script:
        "../scripts/scanner_dataset.py"


rule bids:
    """The anonymized BIDS datasets, validated."""
    input:
        of_projects("<results>/{project}/validation.json"),
        scanner_datasets,
        records("bids"),
