# In:  admitted sessions of <results>/{project}/bids, by their records.
# Out: <results>/{project}/derivatives/qc, a BIDS derivative dataset of its own, and the
#      record <unit>/qc.json of each session.


localrules:
    analyses,


rule qc:
    """Measure the quality of one session's images, with figures."""
    input:
        record="<results>/{project}/records/<unit>/admit.json",
    output:
        record="<results>/{project}/records/<unit>/qc.json",
    log:
        "<logs>/{project}/<unit>/qc.log",
    benchmark:
        "<benchmarks>/{project}/<unit>/qc.tsv"
    conda:
        "../envs/qc.yaml"
    resources:
        mem_mb=grows(2000, 6000),
        runtime=grows(20, 40),
    params:
        code=code("analyses/qc", "qc"),
    message:
        "{wildcards.project}: measure sub-{wildcards.subject} ses-{wildcards.session}"
    script:
        "../scripts/qc.py"


rule qc_dataset:
    """Take out sessions that are gone, and let the validator judge the derivative dataset."""
    input:
        records=of_units("<results>/{project}/records/<unit>/qc.json"),
    output:
        verdict="<results>/{project}/derivatives/qc.json",
    log:
        "<logs>/{project}/qc_dataset.log",
    benchmark:
        "<benchmarks>/{project}/qc_dataset.tsv"
    conda:
        "../envs/convert.yaml"
    params:
        code=code("qc_dataset"),
    message:
        "{wildcards.project}: validate the quality measures"
    script:
        "../scripts/qc_dataset.py"


rule analyses:
    """The analyses of all admitted sessions."""
    input:
        of_projects("<results>/{project}/derivatives/qc.json"),
