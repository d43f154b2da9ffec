# In:  pulled and converted of a session in <quarantine>, where the config asks for an export.
# Out: the session's series as de-identified DICOM in <results>/{project}/dicom, only after the
#      search for its identifiers; and its record <records>/<unit>/export.json, which says
#      what became of each series, or why there are none. Sessions that are gone are taken out,
#      and all of them once the config asks for no export.


localrules:
    export,


rule export_session:
    """De-identify a session's DICOM files, search them for its identifiers, and let them out."""
    input:
        pulled="<quarantine>/{project}/<unit>/pulled",
        converted="<quarantine>/{project}/<unit>/converted",
        link=ancient("<private>/{project}/link.tsv"),
        archive=ancient("<private>/{project}/archive.json"),
    output:
        record="<results>/{project}/records/<unit>/export.json",
    log:
        "<logs>/{project}/<unit>/export_session.log",
    benchmark:
        "<benchmarks>/{project}/<unit>/export_session.tsv"
    conda:
        "../envs/anonymize.yaml"
    resources:
        mem_mb=grows(1500, 2500),
        runtime=grows(20, 20),
    params:
        rules=export_rules,
        series=series_settings,
        code=code("pull", "convert", "export"),
    message:
        "{wildcards.project}: export sub-{wildcards.subject} ses-{wildcards.session} as DICOM"
    script:
        "../scripts/export.py"


rule prune_export:
    """Take out of a project's DICOM the sessions that are gone, or all if no export is wanted."""
    input:
        sessions="<results>/{project}/sessions.tsv",
    output:
        record="<results>/{project}/records/project/export.json",
    log:
        "<logs>/{project}/prune_export.log",
    benchmark:
        "<benchmarks>/{project}/prune_export.tsv"
    conda:
        "../envs/anonymize.yaml"
    params:
        export=export_of_project,
        code=code("prune_export"),
    message:
        "{wildcards.project}: take out the DICOM of what is no longer exported"
    script:
        "../scripts/prune_export.py"


rule export:
    """De-identified DICOM of all sessions, where the config asks for it."""
    input:
        records("export"),
