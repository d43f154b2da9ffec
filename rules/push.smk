# In:  the pages, records and files of admitted sessions, after the validator.
# Out: resources in the archive, read back and compared, and the receipt
#      <records>/<unit>/push.json. Nothing runs here unless the config's push says so, and
#      with dry_push the archive is only read.


localrules:
    push,
    push_session,
    push_project,


rule push_session:
    """Push what the config asks for of a session: report, images, derivatives, numbers."""
    input:
        admit="<results>/{project}/records/<unit>/admit.json",
        qc="<results>/{project}/records/<unit>/qc.json",
        page="<results>/{project}/reports/<unit>.html",
        verdict=ancient("<results>/{project}/validation.json"),
        link=ancient("<private>/{project}/link.tsv"),
        archive=ancient("<private>/{project}/archive.json"),
    output:
        receipt="<results>/{project}/records/<unit>/push.json",
    log:
        "<logs>/{project}/<unit>/push_session.log",
    benchmark:
        "<benchmarks>/{project}/<unit>/push_session.tsv"
    conda:
        "../envs/archive.yaml"
    resources:
        xnat=archive_share,
    params:
        push=setting("push"),
        dry=config["dry_push"],
        code=code("push_session"),
    message:
        "{wildcards.project}: push sub-{wildcards.subject} ses-{wildcards.session}"
    script:
        "../scripts/push_session.py"


rule push_project:
    """Push the project's report to a resource of the project in the archive."""
    input:
        page="<results>/{project}/reports/index.html",
        verdict="<results>/{project}/validation.json",
        archive=ancient("<private>/{project}/archive.json"),
    output:
        receipt="<results>/{project}/records/project/push.json",
    log:
        "<logs>/{project}/push_project.log",
    benchmark:
        "<benchmarks>/{project}/push_project.tsv"
    conda:
        "../envs/archive.yaml"
    resources:
        xnat=archive_share,
    params:
        resource=setting("push", "resource"),
        dry=config["dry_push"],
        code=code("push_project"),
    message:
        "{wildcards.project}: push the project's report"
    script:
        "../scripts/push_project.py"


rule push:
    """Push to the archive, for the projects whose config asks for it."""
    input:
        all_pushes,
