# In:  <private>/{project}/sessions/<unit>.json, rewritten when the archive's data changed.
# Out: <quarantine>/{project}/<unit>/pulled: identified, one folder a series; or the reason
#      why there is none.


localrules:
    pull,
    pull_questionnaires,


rule pull:
    """Pull one session's DICOM files and what stands beside into the quarantine, verified."""
    input:
        session="<private>/{project}/sessions/<unit>.json",
        link=ancient("<private>/{project}/link.tsv"),
        archive=ancient("<private>/{project}/archive.json"),
    output:
        pulled=quarantined("<quarantine>/{project}/<unit>/pulled"),
    log:
        "<logs>/{project}/<unit>/pull.log",
    benchmark:
        "<benchmarks>/{project}/<unit>/pull.tsv"
    conda:
        "../envs/archive.yaml"
    resources:
        xnat=archive_share,
        mem_mb=500,
    params:
        resources=resources_beside,
        code=code("pull"),
    message:
        "{wildcards.project}: pull sub-{wildcards.subject} ses-{wildcards.session}"
    script:
        "../scripts/pull.py"


rule pull_questionnaires:
    """Fetch the project's questionnaires; they stay private until the dataset takes them."""
    input:
        listing="<private>/{project}/phenotype.json",
        archive=ancient("<private>/{project}/archive.json"),
    output:
        folder=directory("<private>/{project}/phenotype"),
        record="<results>/{project}/records/project/questionnaires.json",
    log:
        "<logs>/{project}/pull_questionnaires.log",
    benchmark:
        "<benchmarks>/{project}/pull_questionnaires.tsv"
    conda:
        "../envs/archive.yaml"
    resources:
        xnat=archive_share,
    params:
        code=code("pull_questionnaires"),
    message:
        "{wildcards.project}: fetch the questionnaires"
    script:
        "../scripts/pull_questionnaires.py"
