# In:  <quarantine>/{project}/<unit>/pulled.
# Out: <quarantine>/{project}/<unit>/converted: BIDS names, still identified, and
#      converted.json, which accounts for every series; or the reason why there is none.


rule convert:
    """Settle every series by the mapping, and convert those that are mapped."""
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
        mapping=setting("bids", "mapping"),
        sources=source_digests,
        synonyms=setting("bids", "synonyms"),
        overrides=overrides_of_session,
        policy=setting("bids", "policy"),
        field_maps=setting("bids", "field_maps"),
        behaviour=setting("bids", "behaviour"),
        converter=setting("bids", "converter"),
        code=code("convert"),
    message:
        "{wildcards.project}: convert sub-{wildcards.subject} ses-{wildcards.session}"
    script:
        "../scripts/convert.py"
