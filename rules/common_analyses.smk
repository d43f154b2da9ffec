# In:  ANALYSES and UNITS.
# Out: the functions with which rules select analyses, their records and their settings. A
#      `place` is a session, a subject or `project` (scripts/coil/analyses/places.py). No rules.

import json
import shlex

from snakemake_interface_executor_plugins.settings import DeploymentMethod

from coil.analyses import environments
from coil.analyses.definitions import hidden_files
from coil.analyses.places import PATTERN as PLACE
from coil.analyses.places import place_of, places, units_of
from coil.workspace import SCRIPTS

ANALYSIS_NAMES = {name for found in ANALYSES.values() for name in found}
CONDA = DeploymentMethod.CONDA in workflow.deployment_settings.deployment_method
# What was found to be wrong with environments, by file: their analyses fail, the rest is done.
BROKEN = environments.broken() if CONDA else {}
# The analysis' own program finds its environment by itself; what starts it needs Snakemake's.
RUN_ANALYSIS = shlex.join(
    [sys.executable, str(SCRIPTS / "analyse.py")]
    + ["--conda"] * CONDA
    + [f"--hide={path}" for path in hidden_files(PROJECTS.values())]
)


def make_environments():
    """Make the analyses' environments, ahead of the jobs."""
    wanted = [one.env for found in ANALYSES.values() for one in found.values()]
    if CONDA:
        prefix = workflow.deployment_settings.conda_prefix
        BROKEN.clear()  # rules look at it when they are planned
        BROKEN.update(environments.make(filter(None, wanted), prefix))


def analysis(wildcards):
    """The analysis of a job."""
    return ANALYSES[wildcards.project][wildcards.analysis]


def admitted_at_place(wildcards):
    """The records of the sessions that a job's analysis is run on."""
    units = units_of(wildcards.place, UNITS[wildcards.project])
    folder = f"<results>/{wildcards.project}/records"
    return [f"{folder}/{unit}/admit.json" for unit in units]


def inputs_of_analysis(wildcards):
    """The records of the analyses whose results a job's analysis sees."""
    units = units_of(wildcards.place, UNITS[wildcards.project])
    return [
        f"<results>/{wildcards.project}/records/{place}/{name}.json"
        for name, level in analysis(wildcards).others.items()
        for place in places(level, units)
    ]


def tables_of_analysis(wildcards):
    """What tells that the dataset's tables are written, for an analysis of the project."""
    whole = wildcards.place == "project"
    return [f"<results>/{wildcards.project}/dataset.json"] if whole else []


def environment_of_analysis(wildcards):
    """The conda environment's file of a job's analysis, if it has one that can be made."""
    env = str(analysis(wildcards).env or "")
    return env if env and env not in BROKEN else None


def threads_of_analysis(wildcards):
    """How many threads a job's analysis may use."""
    return analysis(wildcards).resources["threads"]


def resource_of_analysis(key):
    """What a job's analysis asks for: more for each GB of images, and at each attempt."""

    def find(wildcards, attempt):
        wanted = analysis(wildcards).resources
        units = units_of(wildcards.place, UNITS[wildcards.project])
        size = sum(session_gb(wildcards.project, unit) for unit in units)
        return attempt * round(wanted[key] + wanted[f"{key}_per_gb"] * size)

    return find


def job_of_analysis(wildcards):
    """What a job's analysis is and is told; it runs again when that changed."""
    job = analysis(wildcards).job(Path.cwd())
    if problem := BROKEN.get(str(analysis(wildcards).env)):
        job["problem"] = problem
    return json.dumps(job, sort_keys=True)


def about_analysis(wildcards):
    """What a derivative dataset says of itself."""
    return analysis(wildcards).about()


def records_of_analysis(wildcards):
    """All records of one analysis of a project."""
    return _records(wildcards.project, [analysis(wildcards)])


def analysis_records(wildcards):
    """All records of all analyses of a project."""
    return _records(wildcards.project, ANALYSES[wildcards.project].values())


def names_of_analyses(wildcards):
    """The names of the analyses of a job's project."""
    return list(ANALYSES[wildcards.project])


def session_analyses(wildcards):
    """The records of the analyses of a session itself."""
    folder = f"<results>/{wildcards.project}/records"
    unit = f"sub-{wildcards.subject}_ses-{wildcards.session}"
    return [
        f"{folder}/{unit}/{name}.json"
        for name, analysis in ANALYSES[wildcards.project].items()
        if analysis.level == "session"
    ]


def pushed_analyses(project, *levels):
    """The names of a project's analyses of some levels whose results are pushed."""
    wanted = PROJECTS[project]["push"]["derivatives"]
    return [name for name in wanted if ANALYSES[project][name].level in levels]


def pushed_of_project(wildcards):
    """The verdicts on what is pushed to the archive's project itself."""
    project = wildcards.project
    return [
        f"<results>/{project}/derivatives/{name}.json"
        for name in pushed_analyses(project, "subject", "project")
    ]


def analysis_verdicts(wildcards):
    """The verdicts on the derivative datasets of all analyses."""
    return [path for project in UNITS for path in verdicts_of_analyses(project)]


def verdicts_of_analyses(project):
    """The verdicts on the derivative datasets of a project's analyses."""
    return [
        f"<results>/{project}/derivatives/{name}.json" for name in ANALYSES[project]
    ]


def _records(project, analyses):
    return [
        f"<results>/{project}/records/{place}/{one.name}.json"
        for one in analyses
        for place in places(one.level, UNITS[project])
    ]
