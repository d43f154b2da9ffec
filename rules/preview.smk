# In:  <private>/{project}/sessions/<unit>.json, what the archive lists for each session; for
#      a project without a config the archive itself.
# Out: nothing that Snakemake knows of (not even a benchmark), so that the rules always run:
#      a table on the terminal and <private>/{project}/preview.html; a draft of a config.


localrules:
    init,
    preview,


rule init:
    """Propose a project's config from the series that the archive holds; see `project`."""
    log:
        "<logs>/init.log",
    conda:
        "../envs/preview.yaml"
    params:
        server=config["server"],
        project=config["project"],
        headers=config["preview"] == "headers",
    message:
        "a draft of the config"
    script:
        "../scripts/init.py"


rule preview:
    """Show which rule takes each series and the name it gets, before anything is pulled."""
    input:
        sessions=previewed_sessions,
        places=of_projects("<private>/{project}/archive.json"),
        links=of_projects("<private>/{project}/link.tsv"),
        sources=all_source_files,
    log:
        "<logs>/preview.log",
    conda:
        "../envs/preview.yaml"
    params:
        headers=config["preview"] == "headers",
        overrides=OVERRIDES,
        bids={name: settings["bids"] for name, settings in PROJECTS.items()},
        sources={
            project: {use: str(path) for use, path in found.items()}
            for project, found in SOURCES.items()
        },
    message:
        "preview of all series"
    script:
        "../scripts/preview.py"
