# In:  ANALYSES and UNITS.
# Out: the functions with which rules select analyses, their records and their settings. The
#      `scope` of a job is a session, a subject or `project` (scripts/coil/analyses/scopes.py). No
#      rules.

from msgspec import to_builtins
from snakemake_interface_executor_plugins.settings import DeploymentMethod

from coil.analyses import environments
from coil.analyses.command import command_line
from coil.analyses.definitions import hidden_files, of_levels
from coil.analyses.scopes import PATTERN as SCOPE
from coil.analyses.scopes import scopes, units_of
from coil.workspace import PROJECT

ANALYSIS_NAMES = {name for analyses in ANALYSES.values() for name in analyses}
CONDA = DeploymentMethod.CONDA in workflow.deployment_settings.deployment_method
# Why environments cannot be made, by file: their analyses fail, the rest is done.
BROKEN = environments.broken() if CONDA else {}
# The analysis' own program finds its environment by itself; what starts it needs Snakemake's.
RUN_ANALYSIS = command_line(CONDA, hidden_files(PROJECTS.values()))


def make_environments():
    """Make the analyses' environments, ahead of the jobs."""
    if CONDA:
        BROKEN.clear()  # rules look at it when they are planned
        BROKEN.update(
            environments.make(
                {one.env for found in ANALYSES.values() for one in found.values()},
                workflow.deployment_settings.conda_prefix,
            )
        )


def analysis(wildcards):
    """The analysis of a job."""
    return ANALYSES[wildcards.project][wildcards.analysis]


def sessions_in_scope(wildcards):
    """The sessions that a job's analysis is run on."""
    return units_of(wildcards.scope, UNITS[wildcards.project])


def awaited_in_scope(wildcards):
    """Those of them that a job may have to wait for; of the project those that are not settled."""
    planned = planned_units(wildcards.project)
    return planned if wildcards.scope == PROJECT else sessions_in_scope(wildcards)


def admitted_in_scope(wildcards):
    """Their records."""
    folder = f"<results>/{wildcards.project}/records"
    return [f"{folder}/{unit}/admit.json" for unit in awaited_in_scope(wildcards)]


def inputs_of_analysis(wildcards):
    """The records of the analyses whose results a job's analysis sees."""
    units = awaited_in_scope(wildcards)
    names = analysis(wildcards).others
    wanted = [ANALYSES[wildcards.project][name] for name in names]
    return _records(wildcards.project, wanted, units)


def tables_of_analysis(wildcards):
    """What tells that the dataset's tables are written, for an analysis of the project."""
    whole = wildcards.scope == "project"
    return [f"<results>/{wildcards.project}/dataset.json"] if whole else []


def environment_of_analysis(wildcards):
    """The conda environment's file of a job's analysis, if it has one that can be made."""
    env = str(analysis(wildcards).env or "")
    return env if env and env not in BROKEN else None


def threads_of_analysis(wildcards):
    """How many threads a job's analysis may use."""
    return analysis(wildcards).resources.threads


def resource_of_analysis(key):
    """What a job's analysis asks for: more for each GB of images, and at each attempt."""

    def find(wildcards, attempt):
        units = sessions_in_scope(wildcards)
        size = sum(session_gb(wildcards.project, unit) for unit in units)
        return analysis(wildcards).resources.needed(size, attempt)[key]

    return find


def definition_of_analysis(wildcards):
    """A job's analysis, for its command; it runs again when that changed."""
    one = analysis(wildcards)
    return one.definition(Path.cwd(), BROKEN.get(str(one.env))).as_json()


def description_of_analysis(wildcards):
    """What a derivative dataset says of itself."""
    return to_builtins(analysis(wildcards).described())


def records_of_analysis(wildcards):
    """All records of one analysis of a project."""
    project = wildcards.project
    return _records(project, [analysis(wildcards)], planned_units(project))


def analysis_records(wildcards):
    """All records of all analyses of a project."""
    return records_of_analyses(wildcards.project)


def records_of_analyses(project):
    """The same of a project by its name."""
    return _records(project, ANALYSES[project].values(), planned_units(project))


def names_of_analyses(wildcards):
    """The names of the analyses of a job's project."""
    return list(ANALYSES[wildcards.project])


def levels_of_analyses(wildcards):
    """Their levels by their names."""
    return {name: one.level for name, one in ANALYSES[wildcards.project].items()}


def session_analyses(wildcards):
    """The records of the analyses of a session itself."""
    folder = f"<results>/{wildcards.project}/records"
    unit = f"sub-{wildcards.subject}_ses-{wildcards.session}"
    analyses = ANALYSES[wildcards.project]
    return [
        f"{folder}/{unit}/{name}.json"
        for name in of_levels(analyses, analyses, "session")
    ]


def pushed_analyses(project, *levels):
    """The names of a project's analyses of some levels whose results are pushed."""
    wanted = PROJECTS[project]["push"]["derivatives"]
    return of_levels(wanted, ANALYSES[project], *levels)


def pushed_of_project(wildcards):
    """The verdicts on what is pushed to the archive's project itself."""
    project = wildcards.project
    return _verdicts(project, pushed_analyses(project, "subject", "project"))


def analysis_verdicts(wildcards):
    """The verdicts on the derivative datasets of all analyses."""
    return [path for project in PLANNED for path in verdicts_of_analyses(project)]


def verdicts_of_analyses(project):
    """The verdicts on the derivative datasets of a project's analyses."""
    return _verdicts(project, ANALYSES[project])


def _verdicts(project, names):
    return [f"<results>/{project}/derivatives/{name}.json" for name in names]


def _records(project, analyses, units):
    return [
        f"<results>/{project}/records/{scope}/{one.name}.json"
        for one in analyses
        for scope in scopes(one.level, units)
    ]
