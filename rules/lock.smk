# In:  the config's `locked`; the records of all sessions and the datasets' verdicts.
# Out: <results>/{project}/run.lock.yaml, from which the datasets can be made again.


rule lock:
    """Note what made the datasets: versions, code, config, data, digests."""
    input:
        records=of_units("<results>/{project}/records/<unit>/admit.json"),
        verdict="<results>/{project}/validation.json",
        derivatives=derivative_verdicts,
        subjects="<private>/{project}/subjects.json",
        phenotype="<private>/{project}/phenotype.json",
        locked=lock_of_project,
    output:
        lock="<results>/{project}/run.lock.yaml",
    log:
        "<logs>/{project}/lock.log",
    benchmark:
        "<benchmarks>/{project}/lock.tsv"
    conda:
        "../envs/convert.yaml"
    params:
        parts=parts_of_project,
        identity=setting("identity"),
        code=code("lock"),
    message:
        "{wildcards.project}: note what made the datasets"
    script:
        "../scripts/lock.py"
