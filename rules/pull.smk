# In:  <private>/{project}/sessions/<unit>.json, rewritten when the archive's data changed.
# Out: <quarantine>/{project}/<unit>/pulled: identified, one folder a series; or the reason
#      why there is none.


localrules:
    pull,
    pull_questionnaires,


rule pull:
    """Pull one session's DICOM files and event files into the quarantine, verified."""
    input:
        session="<private>/{project}/sessions/<unit>.json",
        link=ancient("<private>/{project}/link.tsv"),
        archive=ancient("<private>/{project}/archive.json"),
    output:
        pulled=quarantined("<quarantine>/{project}/<unit>/pulled"),
    params:
        resources=event_resources,
        code=code("pull"),
    log:
        "<logs>/{project}/<unit>/pull.log",
    benchmark:
        "<benchmarks>/{project}/<unit>/pull.tsv"
    resources:
        xnat=1,
        mem_mb=500,
    conda:
        "../envs/archive.yaml"
    script:
        "../scripts/pull.py"


rule pull_questionnaires:
    """Fetch the project's questionnaires; they stay private until the dataset takes them."""
    input:
        listing="<private>/{project}/phenotype.json",
        archive=ancient("<private>/{project}/archive.json"),
    output:
        folder=directory("<private>/{project}/phenotype"),
    params:
        code=code("pull_questionnaires"),
    log:
        "<logs>/{project}/pull_questionnaires.log",
    benchmark:
        "<benchmarks>/{project}/pull_questionnaires.tsv"
    resources:
        xnat=1,
    conda:
        "../envs/archive.yaml"
    script:
        "../scripts/pull_questionnaires.py"
