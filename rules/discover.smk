# In:  the archive's listing, asked once per invocation, before the jobs are planned.
# Out: <private>/{project}/ (link table, demographics, one file a session) and
#      <results>/{project}/sessions.tsv. Jobs parse this file too and only read those.


from coil.planning import (
    close_logins_at_exit,
    discover_projects,
    settle_cluster,
    wants_discovery,
)

if workflow.is_main_process:
    settle_cluster(Path(), sys.argv)
    close_logins_at_exit(Path(), sys.argv)

parts = {project: lock_parts(project) for project in PROJECTS if config["locked"]}
LOCKS = locked.start(config["locked"], parts, workflow.is_main_process)
PROJECTS = {project: PROJECTS[project] for project in LOCKS or PROJECTS}

if workflow.is_main_process and wants_discovery(config, sys.argv):
    FAILED_PROJECTS = discover_projects(PROJECTS, config)
else:
    FAILED_PROJECTS = {}

UNITS = {
    project: read_units(Path(f"results/{project}/sessions.tsv"))
    for project in PROJECTS
    if project not in FAILED_PROJECTS
}
UNITS = locked.choose(UNITS, LOCKS, PROJECTS, workflow.is_main_process)
check_session(config["session"], UNITS)
check_draft(config["project"], Path.cwd(), sys.argv)


localrules:
    discover,


rule discover:
    """Ask the archive which sessions there are, and nothing else."""
    input:
        of_projects("<results>/{project}/sessions.tsv"),
