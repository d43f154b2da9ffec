# In:  admitted sessions of <results>/{project}/bids, by their records; PROJECTS' analyses.
# Out: <results>/{project}/derivatives/{analysis}, a BIDS derivative dataset each, and a record
#      <records>/{scope}/{analysis}.json for each session, subject or project (`scope`).


localrules:
    analyses,


wildcard_constraints:
    scope=SCOPE,
    analysis=one_of(ANALYSIS_NAMES),


rule analyse:
    """Run one analysis on what its level says: a session, a subject or the whole project."""
    input:
        records=admitted_in_scope,
        others=inputs_of_analysis,
        dataset=tables_of_analysis,
    output:
        record="<results>/{project}/records/{scope}/{analysis}.json",
    log:
        "<logs>/{project}/{scope}/{analysis}.log",
    benchmark:
        "<benchmarks>/{project}/{scope}/{analysis}.tsv"
    conda:
        environment_of_analysis
    threads: threads_of_analysis
    resources:
        mem_mb=resource_of_analysis("mem_mb"),
        runtime=resource_of_analysis("runtime"),
    params:
        definition=definition_of_analysis,
    message:
        "{wildcards.project}: {wildcards.analysis} of {wildcards.scope}"
    shell:
        RUN_ANALYSIS
        + " {params.definition:q} {output.record:q} --scope {wildcards.scope} --threads {threads} --log {log:q}"


rule analysis_dataset:
    """Describe an analysis' derivative dataset, take out what is gone, and validate it."""
    input:
        records=records_of_analysis,
    output:
        verdict="<results>/{project}/derivatives/{analysis}.json",
    log:
        "<logs>/{project}/{analysis}_dataset.log",
    benchmark:
        "<benchmarks>/{project}/{analysis}_dataset.tsv"
    conda:
        "../envs/convert.yaml"
    params:
        description=description_of_analysis,
        code=code("analysis_dataset"),
    message:
        "{wildcards.project}: validate the results of {wildcards.analysis}"
    script:
        "../scripts/analysis_dataset.py"


rule analyses:
    """The analyses of all admitted sessions."""
    input:
        analysis_verdicts,
        records("analyses"),
