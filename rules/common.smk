# In:  config/config.yaml and the project files that it names; sessions.tsv of each project.
# Out: EXAMINED (the projects' files, at which `doctor` looks), PROJECTS (settings by project),
#      ANALYSES (theirs), and the functions with which rules select files and settings. No rules
#      here.

import sys
from pathlib import Path

# Of this checkout, also where another Snakefile has it as a module.
sys.path.insert(0, str(Path(workflow.current_basedir).parent / "scripts"))

from coil.run import locked, params
from coil.analyses.definitions import analyses_of
from coil.archive.credentials import hide_login
from coil.config.reading import (
    check_config,
    merged_datasets,
    read_overrides,
    read_projects,
)
from coil.errors import CoilError
from coil.run.invocation import ALONE, planned, rule_name
from coil.run.planning import check_draft, check_session, finish
from coil.config.derived import (
    digests,
    export_settings,
    export_target,
    mapping_sources,
    wanted_resources,
    wants_scanner,
)
from coil.records.listing import listed_bytes
from coil.run.selection import Selection, expand
from coil.units import SESSION_MEMORY, Units, code_digest, read_units, unit_name
from coil.workspace import Workspace

try:
    config = check_config(config)
    EXAMINED = config["projects"]
    config = planned(config, sys.argv, [rule_name(workflow, name) for name in ALONE])
    PROJECTS = read_projects(config["projects"], Path.cwd())
    SOURCES = {
        Path(file).stem: mapping_sources(PROJECTS[Path(file).stem], file)
        for file in config["projects"]
    }
    OVERRIDES = {
        Path(file).stem: read_overrides(PROJECTS[Path(file).stem], file, Path.cwd())
        for file in config["projects"]
    }
    ANALYSES = {
        Path(file).stem: analyses_of(PROJECTS[Path(file).stem], file, Path.cwd())
        for file in config["projects"]
    }
    MERGED = merged_datasets(config["merged"], PROJECTS)
except CoilError as error:
    sys.exit(f"error: {error}")


def one_of(names):
    """The pattern of a wildcard that is one of some names."""
    return "|".join(sorted(names)) or "(?!)"


def by_settings(find):
    """What a function finds in the settings of a job's project, as a param."""
    return lambda wildcards: find(PROJECTS[wildcards.project])


def by_project(find):
    """What a function finds for a job's project, by its name."""
    return lambda wildcards: find(wildcards.project)


def setting(*keys):
    """The value of one key of the settings of a job's project."""
    return by_settings(lambda settings: params.value_of(settings, *keys))


dataset_settings = by_settings(params.dataset_settings)
protection_settings = by_settings(params.protection_settings)
archive_share = by_settings(params.archive_share)
protection_rules = by_settings(params.protection_rules)
export_rules = by_settings(params.export_rules)
resources_beside = by_settings(wanted_resources)
export_of_project = by_settings(export_settings)
export_target_of_project = by_settings(export_target)
sent_of_project = by_project(lambda project: SELECTED.sent(project))
sent_steps = by_project(lambda project: SELECTED.of(UNITS).sent_steps(project))
source_digests = by_project(lambda project: digests(SOURCES[project]))
source_files = by_project(lambda project: [*map(str, SOURCES[project].values())])
parts_of_project = by_project(lambda project: lock_parts(project))


def lock_parts(project):
    """Digests of what makes a project's datasets."""
    beside = {"overrides": OVERRIDES[project], "mapping": digests(SOURCES[project])}
    return locked.parts(PROJECTS[project], beside, ANALYSES[project].values())


def lock_of_project(wildcards):
    """The lock that a job's project is, or was, rerun from: a run without one makes none anew."""
    kept = Workspace().private(wildcards.project).locked
    return [str(kept)] if kept.is_file() else []


def code(*scripts):
    """A digest of the scripts' code, as a param: jobs run again when it changed."""
    return "-".join(map(code_digest, scripts))


def quarantined(path):
    """An identified folder, removed as soon as no job needs it."""
    return directory(path) if config["keep_quarantine"] else temp(directory(path))


def all_source_files(wildcards):
    """The files from which the mappings of all projects take names."""
    return [str(path) for project in UNITS for path in SOURCES[project].values()]


def series_settings(wildcards):
    """What of the config decides what becomes of a job's session's series."""
    own = source_digests(wildcards), overrides_of_session(wildcards)
    return params.series_settings(PROJECTS[wildcards.project], *own)


def conversion_settings(wildcards):
    """What of the config makes the session's files, whichever program converts."""
    made = params.conversion_settings(PROJECTS[wildcards.project])
    return {**series_settings(wildcards), **made}


def converter_settings(wildcards):
    """The same, and which program converts."""
    converter = PROJECTS[wildcards.project]["bids"]["converter"]
    return {**conversion_settings(wildcards), "converter": converter}


def overrides_of_session(wildcards):
    """What is said of single series of a job's session, so that no other runs again for it."""
    unit = unit_name(wildcards.subject, wildcards.session)
    return OVERRIDES[wildcards.project].get(unit, {})


def grows(least, per_gb):
    """A resource of a job on one session: more for each GB of images, and at each attempt."""

    def find(wildcards, attempt):
        unit = unit_name(wildcards.subject, wildcards.session)
        return attempt * round(least + per_gb * session_gb(wildcards.project, unit))

    return find


def session_gb(project, unit):
    """What the archive lists of a session, in GB."""
    return listed_bytes(Workspace().private(project).session(unit)) / 1e9


def of_projects(pattern):
    """The pattern's file of every project of which something is not settled."""
    return lambda wildcards: [pattern.replace("{project}", name) for name in PLANNED]


def of_units(pattern):
    """The pattern's files of the sessions of a job's project that are not settled."""
    return by_project(lambda project: expand(pattern, project, planned_units(project)))


def planned_units(project):
    """The sessions of a project that are not settled."""
    return PLANNED.get(project, Units())


def of_merged(pattern):
    """The pattern's file of every merged dataset all of whose projects the archive listed."""
    return lambda wildcards: [
        pattern.replace("{project}", name)
        for name in SELECTED.of(UNITS).mergeable
        if name not in SETTLED
    ]


def of_parts(pattern):
    """The pattern's files of all projects, or all their sessions, of a merged dataset."""

    def find(wildcards):
        projects = MERGED[wildcards.merged]["projects"]
        if "<unit>" not in pattern:
            return [pattern.replace("{project}", project) for project in projects]
        return [
            path
            for name in projects
            for path in expand(pattern, name, planned_units(name))
        ]

    return find


def merged_entry(wildcards):
    """The config's entry of a merged dataset."""
    return MERGED[wildcards.merged]


def scanner_datasets(wildcards):
    """The verdicts on what scanners computed, of the projects that ask for it."""
    return [path for project in PLANNED for path in _of_scanner(project)]


def derivative_verdicts(wildcards):
    """The verdicts on a project's derivative datasets."""
    project = wildcards.project
    return [*verdicts_of_analyses(project), *_of_scanner(project)]


def _of_scanner(project):
    verdict = Workspace().results(project).verdict("scanner")
    return [str(verdict)] if wants_scanner(project, PROJECTS[project]) else []


def previewed_sessions(wildcards):
    """What was noted of the sessions to preview: all of them, or the one in the config."""
    wanted = config["session"]
    return [
        str(Workspace().private(project).session(unit))
        for project in UNITS
        for unit in UNITS[project]
        if wanted in ("", str(unit))
    ]


def summaries_without_pushes(wildcards):
    """The data protection summaries of projects that push nothing, so that none is pushed for."""
    listed = SELECTED.of(UNITS)
    quiet = [name for name in PLANNED if not listed.pushes(name)]
    return [str(Workspace().results(name).protection) for name in quiet]
