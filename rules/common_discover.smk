# In:  PROJECTS; the archive's listing, asked once per invocation, right before the jobs are
#      planned.
# Out: LOCKS, UNITS (the sessions by project), PLANNED and SETTLED (what of them is not, and is,
#      settled), SELECTED (what rules ask for) and FAILED_PROJECTS, at which rules look when they
#      are planned. No rules here.

from coil.run.invocation import around_jobs, check_alone
from coil.run.planning import (
    close_logins_at_exit,
    discover_projects,
    undiscovered,
    wait_for_cluster,
)

LOCKS = locked.locks_for(config["locked"], PROJECTS, workflow.is_main_process)
PROJECTS = {project: PROJECTS[project] for project in LOCKS or PROJECTS}
FAILED_PROJECTS = {}


def known_sessions():
    """The sessions that the last discovery left, of the projects that the archive listed."""
    return {
        project: read_units(Workspace().results(project).sessions)
        for project in PROJECTS
        if project not in FAILED_PROJECTS
    }


UNITS = locked.choose(known_sessions(), LOCKS)
PLANNED = {**UNITS}  # those that are not settled
SETTLED = set()  # merged datasets that are
SELECTED = Selection(
    PROJECTS,
    ANALYSES,
    {name: entry["projects"] for name, entry in MERGED.items()},
    PLANNED,
)


def ask_archives(call):
    """Ask the archives once jobs are to be planned; which records are to be made again."""
    check_alone(call.targets)
    if call.offline:
        if "init" in call.targets:
            check_draft(config["project"], Path.cwd())
        return []
    wait_for_cluster(Path.cwd())
    close_logins_at_exit(Path.cwd())
    locked.start(LOCKS, {project: lock_parts(project) for project in LOCKS}, call.dry)
    if config["discover"]:
        FAILED_PROJECTS.update(discover_projects(PROJECTS, config))
    else:
        FAILED_PROJECTS.update(undiscovered(PROJECTS, Path.cwd()))
    units = known_sessions()
    locked.check(units, LOCKS, PROJECTS)
    UNITS.clear()  # rules look at it when they are planned
    UNITS.update(locked.choose(units, LOCKS))
    check_session(config["session"], UNITS)
    if not call.dry:
        make_environments()
    return plan_jobs(call)


def say_the_end():
    """Say what was done, and empty the quarantine."""
    finish(UNITS, ANALYSES, FAILED_PROJECTS, config)


if workflow.is_main_process:
    around_jobs(workflow, ask_archives, hide_login, MEMORY.end, say_the_end)
