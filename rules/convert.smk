# In:  <quarantine>/{project}/<unit>/pulled.
# Out: <quarantine>/{project}/<unit>/converted: BIDS names, still identified, and
#      converted.json, which accounts for every series; or the reason why there is none.
# The files of the mapping's sources are read, so they are inputs; that they changed is told by
# their digests, in `conversion`, and not by their times.


rule convert:
    """Convert every series that the mapping takes, and account for the others."""
    input:
        pulled="<quarantine>/{project}/<unit>/pulled",
        sources=ancient(source_files),
    output:
        converted=quarantined("<quarantine>/{project}/<unit>/converted"),
    log:
        "<logs>/{project}/<unit>/convert.log",
    benchmark:
        "<benchmarks>/{project}/<unit>/convert.tsv"
    conda:
        "../envs/convert.yaml"
    resources:
        mem_mb=grows(1500, 2500),
        runtime=grows(20, 20),
    params:
        conversion=converter_settings,
        code=code("convert"),
    message:
        "{wildcards.project}: convert sub-{wildcards.subject} ses-{wildcards.session}"
    script:
        "../scripts/convert.py"
