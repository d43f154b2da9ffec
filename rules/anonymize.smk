# In:  pulled and converted of a session in <quarantine>.
# Out: the session's folder in <results>/{project}/bids, by the allow-lists and only
#      after the leak check and the validator; and its record <records>/<unit>/admit.json,
#      which says what was admitted, or why not. In <private> those whom its headers name, for
#      whom the dataset's tables are searched.
# What was converted is removed once it was admitted: a session is converted again because this
# rule's param `conversion` says that it would become another.


rule anonymize:
    """Anonymize, deface, check for leaks, validate, and admit one session to the dataset."""
    input:
        pulled="<quarantine>/{project}/<unit>/pulled",
        converted="<quarantine>/{project}/<unit>/converted",
        link=ancient("<private>/{project}/link.tsv"),
        archive=ancient("<private>/{project}/archive.json"),
    output:
        record="<results>/{project}/records/<unit>/admit.json",
        people="<private>/{project}/people/<unit>.json",
    log:
        "<logs>/{project}/<unit>/anonymize.log",
    benchmark:
        "<benchmarks>/{project}/<unit>/anonymize.tsv"
    conda:
        "../envs/anonymize.yaml"
    resources:
        mem_mb=grows(*SESSION_MEMORY),
        runtime=grows(20, 40),
    params:
        rules=protection_rules,
        conversion=conversion_settings,
        code=code("pull", "convert", "anonymize"),
    message:
        "{wildcards.project}: anonymize and admit sub-{wildcards.subject} ses-{wildcards.session}"
    script:
        "../scripts/anonymize.py"
