# In:  the records of all sessions, the figures of the analyses, the validator's verdicts.
# Out: one self-contained HTML page a session and one a project, its data protection summary,
#      and the status table.


# Pages take a second each, less than a cluster needs to start a job.
localrules:
    report_session,
    report_project,
    data_protection,
    status_table,
    reports,
    status,


rule report_session:
    """One page that says what became of a session, with its numbers and figures."""
    input:
        admit="<results>/{project}/records/<unit>/admit.json",
        analyses=session_analyses,
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
        analyses=analysis_records,
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
        analyses=levels_of_analyses,
        code=code("report_project"),
    message:
        "{wildcards.project}: write the project's page"
    script:
        "../scripts/report_project.py"


rule data_protection:
    """One page for an ethics board: what is processed, what was removed, and how it was checked."""
    input:
        admits=of_units("<results>/{project}/records/<unit>/admit.json"),
        sent=sent_of_project,
    output:
        page="<results>/{project}/reports/data_protection.html",
        values="<results>/{project}/reports/data_protection.json",
    log:
        "<logs>/{project}/data_protection.log",
    benchmark:
        "<benchmarks>/{project}/data_protection.tsv"
    conda:
        "../envs/report.yaml"
    params:
        settings=protection_settings,
        keep_quarantine=config["keep_quarantine"],
        sent=sent_steps,
        code=code("data_protection"),
    message:
        "{wildcards.project}: write the data protection summary"
    script:
        "../scripts/data_protection.py"


rule status_table:
    """A table of every session: its state, its counts and, where it failed, why."""
    input:
        admits=of_units("<results>/{project}/records/<unit>/admit.json"),
        analyses=analysis_records,
        sent=sent_of_project,
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
        analyses=names_of_analyses,
        code=code("status_table"),
    message:
        "{wildcards.project}: write the status table"
    script:
        "../scripts/status_table.py"


rule reports:
    """The pages of all sessions and projects; summaries of data protection come after pushes."""
    input:
        of_projects("<results>/{project}/reports/index.html"),
        summaries_without_pushes,
        records("reports"),


rule status:
    """Show what became of every session, as far as the work has come."""
    log:
        "<logs>/status.log",
    conda:
        "../envs/report.yaml"
    params:
        projects={name: list(ANALYSES[name]) for name in sorted(UNITS)},
    message:
        "status of all sessions"
    script:
        "../scripts/status.py"
