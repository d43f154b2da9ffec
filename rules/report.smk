# In:  the records of all sessions, the figures of the analyses, the validator's verdicts.
# Out: one self-contained HTML page a session and one a project, and the status table.


localrules:
    reports,
    status,


rule report_session:
    """One page that says what became of a session, with its numbers and figures."""
    input:
        admit="<results>/{project}/records/<unit>/admit.json",
        qc="<results>/{project}/records/<unit>/qc.json",
    output:
        page="<results>/{project}/reports/<unit>.html",
    log:
        "<logs>/{project}/<unit>/report_session.log",
    benchmark:
        "<benchmarks>/{project}/<unit>/report_session.tsv"
    conda:
        "../envs/report.yaml"
    params:
        code=code("report_session"),
    message:
        "{wildcards.project}: write the page of sub-{wildcards.subject} ses-{wildcards.session}"
    script:
        "../scripts/report_session.py"


rule report_project:
    """One page for the whole project: sessions, outliers, series, the validator's verdict."""
    input:
        admits=of_units("<results>/{project}/records/<unit>/admit.json"),
        qcs=of_units("<results>/{project}/records/<unit>/qc.json"),
        pages=of_units("<results>/{project}/reports/<unit>.html"),
        summary="<results>/{project}/dataset.json",
        verdict="<results>/{project}/validation.json",
        derivatives=derivative_verdicts,
    output:
        page="<results>/{project}/reports/index.html",
    log:
        "<logs>/{project}/report_project.log",
    benchmark:
        "<benchmarks>/{project}/report_project.tsv"
    conda:
        "../envs/report.yaml"
    params:
        name=setting("bids", "name"),
        code=code("report_project"),
    message:
        "{wildcards.project}: write the project's page"
    script:
        "../scripts/report_project.py"


rule status_table:
    """A table of every session: its state, its counts and, where it failed, why."""
    input:
        admits=of_units("<results>/{project}/records/<unit>/admit.json"),
        qcs=of_units("<results>/{project}/records/<unit>/qc.json"),
        pushes=pushes_of_project,
        verdict="<results>/{project}/validation.json",
    output:
        table="<results>/{project}/status.tsv",
    log:
        "<logs>/{project}/status_table.log",
    benchmark:
        "<benchmarks>/{project}/status_table.tsv"
    conda:
        "../envs/report.yaml"
    params:
        code=code("status_table"),
    message:
        "{wildcards.project}: write the status table"
    script:
        "../scripts/status_table.py"


rule reports:
    """The pages of all sessions and projects."""
    input:
        of_projects("<results>/{project}/reports/index.html"),


rule status:
    """Show what became of every session, as far as the work has come."""
    log:
        "<logs>/status.log",
    conda:
        "../envs/report.yaml"
    params:
        projects=sorted(UNITS),
    message:
        "status of all sessions"
    script:
        "../scripts/status.py"
