# In:  the datasets of the projects that the config's `merged` names, with their records.
# Out: <results>/{merged}/bids, hard links to their sessions with dataset-level files of its
#      own, and dataset.json, which the rule validate judges like a project's.


localrules:
    merged,


rule merge:
    """Merge the datasets of several projects into one."""
    input:
        records=of_parts("<results>/{project}/records/<unit>/admit.json"),
        datasets=of_parts("<results>/{project}/dataset.json"),
    output:
        description="<results>/{merged}/bids/dataset_description.json",
        summary="<results>/{merged}/dataset.json",
    log:
        "<logs>/{merged}/merge.log",
    benchmark:
        "<benchmarks>/{merged}/merge.tsv"
    wildcard_constraints:
        merged=one_of(MERGED),
    conda:
        "../envs/convert.yaml"
    params:
        entry=merged_entry,
        made_by=code("pull", "convert", "anonymize"),
        code=code("merge"),
    message:
        "{wildcards.merged}: merge the datasets of its projects"
    script:
        "../scripts/merge.py"


rule merged:
    """The datasets that are merged from several projects, validated."""
    input:
        of_merged("<results>/{project}/validation.json"),
        records("merged"),
