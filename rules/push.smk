# In:  the pages, records and files of admitted sessions, after the validator; their exports.
# Out: resources in the archive, or sessions of another project, read back and compared, and
#      the receipts <records>/<unit>/push.json and push_dicom.json. Nothing runs here unless the
#      config's push or export.to says so, and with dry_push the archive is only read.


localrules:
    push,
    push_session,
    push_project,
    push_dicom,
    withdraw_dicom,


rule push_session:
    """Push what the config asks for of a session: report, images, derivatives, numbers."""
    input:
        admit="<results>/{project}/records/<unit>/admit.json",
        analyses=session_analyses,
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
    """Push what is the project's: its report, and what was analysed of it or of its subjects."""
    input:
        page="<results>/{project}/reports/index.html",
        verdict="<results>/{project}/validation.json",
        derivatives=pushed_of_project,
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
        reports=setting("push", "reports"),
        dry=config["dry_push"],
        code=code("push_project"),
    message:
        "{wildcards.project}: push what is the project's"
    script:
        "../scripts/push_project.py"


rule push_dicom:
    """Push a session's de-identified DICOM to the other project that the config names."""
    input:
        admit="<results>/{project}/records/<unit>/admit.json",
        export="<results>/{project}/records/<unit>/export.json",
        archive=ancient("<private>/{project}/archive.json"),
    output:
        receipt="<results>/{project}/records/<unit>/push_dicom.json",
    log:
        "<logs>/{project}/<unit>/push_dicom.log",
    benchmark:
        "<benchmarks>/{project}/<unit>/push_dicom.tsv"
    conda:
        "../envs/archive.yaml"
    resources:
        xnat=archive_share,
    params:
        to=export_target_of_project,
        secret_file=setting("identity", "secret_file"),
        dry=config["dry_push"],
        code=code("push_dicom"),
    message:
        "{wildcards.project}: push sub-{wildcards.subject} ses-{wildcards.session} as DICOM"
    script:
        "../scripts/push_dicom.py"


rule withdraw_dicom:
    """Take back from the other project the sessions that the archive, or the selection, lost."""
    input:
        sessions="<results>/{project}/sessions.tsv",
        link=ancient("<private>/{project}/link.tsv"),
        archive=ancient("<private>/{project}/archive.json"),
    output:
        receipt="<results>/{project}/records/project/withdraw_dicom.json",
    log:
        "<logs>/{project}/withdraw_dicom.log",
    benchmark:
        "<benchmarks>/{project}/withdraw_dicom.tsv"
    conda:
        "../envs/archive.yaml"
    resources:
        xnat=archive_share,
    params:
        to=export_target_of_project,
        secret_file=setting("identity", "secret_file"),
        dry=config["dry_push"],
        code=code("withdraw_dicom"),
    message:
        "{wildcards.project}: take back the DICOM of sessions that are gone"
    script:
        "../scripts/withdraw_dicom.py"


rule push:
    """Push to the archive, for the projects whose config asks for it."""
    input:
        records("push"),
