# In:  config/config.yaml and the project files that it names; sessions.tsv of each project.
# Out: EXAMINED (the projects' files, at which `doctor` looks), PROJECTS (settings by project),
#      ANALYSES (theirs), and the functions with which rules select files and settings. No rules
#      here.

import sys
from pathlib import Path

# Of this checkout, also where another Snakefile has it as a module.
sys.path.insert(0, str(Path(workflow.current_basedir).parent / "scripts"))

from coil.run import locked
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
from coil.units import code_digest, listed_bytes, read_units, unit_name

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


def setting(*keys):
    """The value of one key of the settings of a job's project, as a param."""

    def find(wildcards):
        value = PROJECTS[wildcards.project]
        for key in keys:
            value = value.get(key) if value is not None else None
        return value

    return find


def dataset_settings(wildcards):
    """What a project's dataset is made of, without where it came from."""
    settings = PROJECTS[wildcards.project]
    chosen = {key: settings["select"][key] for key in ("session_types", "scan_quality")}
    identity = {k: v for k, v in settings["identity"].items() if k != "secret_file"}
    kept = {key: settings[key] for key in DATASET_SETTINGS}
    return {**kept, "select": chosen, "identity": identity}


def lock_parts(project):
    """Digests of what makes a project's datasets."""
    beside = {"overrides": OVERRIDES[project], "mapping": digests(SOURCES[project])}
    return locked.parts(PROJECTS[project], beside, ANALYSES[project].values())


def parts_of_project(wildcards):
    """The same of a job's project, as a param."""
    return lock_parts(wildcards.project)


def lock_of_project(wildcards):
    """The lock that a job's project is, or was, rerun from: a run without one makes none anew."""
    kept = Path(f"private/{wildcards.project}/locked.yaml")
    return [str(kept)] if kept.is_file() else []


def protection_settings(wildcards):
    """What the data protection summary says of the config."""
    settings = PROJECTS[wildcards.project]
    told = {key: settings[key] for key in ("push", "export")}
    return {**dataset_settings(wildcards), **told}


def code(*scripts):
    """A digest of the scripts' code, as a param: jobs run again when it changed."""
    return "-".join(map(code_digest, scripts))


def quarantined(path):
    """An identified folder, removed as soon as no job needs it."""
    return directory(path) if config["keep_quarantine"] else temp(directory(path))


def resources_beside(wildcards):
    """The archive's resources that the project takes files beside the images from."""
    return wanted_resources(PROJECTS[wildcards.project])


def source_files(wildcards):
    """The files from which the mapping of a job's project takes names: bidsmap, heuristics."""
    return list(map(str, SOURCES[wildcards.project].values()))


def all_source_files(wildcards):
    """The same of all projects that the archive listed."""
    return [str(path) for project in UNITS for path in SOURCES[project].values()]


def source_digests(wildcards):
    """A digest of each of them by its name in the mapping, in the same order."""
    return digests(SOURCES[wildcards.project])


def overrides_of_session(wildcards):
    """What is said of single series of a job's session, so that no other runs again for it."""
    unit = f"sub-{wildcards.subject}_ses-{wildcards.session}"
    return OVERRIDES[wildcards.project].get(unit, {})


def archive_share(wildcards):
    """What a job takes of the 100 `xnat` that a profile grants, so that `connections` hold."""
    return 100 // PROJECTS[wildcards.project]["archive"]["connections"]


def grows(least, per_gb):
    """A resource of a job on one session: more for each GB of images, and at each attempt."""

    def find(wildcards, attempt):
        unit = unit_name(wildcards.subject, wildcards.session)
        return attempt * round(least + per_gb * session_gb(wildcards.project, unit))

    return find


def of_projects(pattern):
    """The pattern's file of every project that the archive listed."""

    def find(wildcards):
        return [pattern.replace("{project}", project) for project in UNITS]

    return find


def scanner_datasets(wildcards):
    """The verdicts on what scanners computed, of the projects that ask for it."""
    return [path for project in UNITS for path in _of_scanner(project)]


def derivative_verdicts(wildcards):
    """The verdicts on a project's derivative datasets."""
    project = wildcards.project
    return [*verdicts_of_analyses(project), *_of_scanner(project)]


def _of_scanner(project):
    wanted = wants_scanner(project, PROJECTS[project])
    return [f"<results>/{project}/derivatives/scanner.json"] if wanted else []


def of_units(pattern):
    """The pattern's files of all sessions of a job's project."""

    def find(wildcards):
        return _expand(pattern, wildcards.project)

    return find


def of_merged(pattern):
    """The pattern's file of every merged dataset all of whose projects the archive listed."""

    def find(wildcards):
        return [
            pattern.replace("{project}", name)
            for name, entry in MERGED.items()
            if set(entry["projects"]) <= set(UNITS)
        ]

    return find


def of_parts(pattern):
    """The pattern's files of all projects, or all their sessions, of a merged dataset."""

    def find(wildcards):
        projects = MERGED[wildcards.merged]["projects"]
        if "<unit>" not in pattern:
            return [pattern.replace("{project}", project) for project in projects]
        return [path for project in projects for path in _expand(pattern, project)]

    return find


def merged_entry(wildcards):
    """What the config says of a merged dataset."""
    return MERGED[wildcards.merged]


def previewed_sessions(wildcards):
    """What was noted of the sessions to preview: all of them, or the one in the config."""
    return [
        path
        for project in UNITS
        for path in _expand("<private>/{project}/sessions/<unit>.json", project)
        if config["session"] in ("", Path(path).stem)
    ]


def pushes(project):
    """The receipts of a project: of its own and of those in another one."""
    return own_pushes(project) + copies(project)


def own_pushes(project):
    """The receipts of itself and of its sessions, as the config wants them."""
    wanted = PROJECTS[project]["push"]
    receipts = []
    if wanted["reports"] or pushed_analyses(project, "subject", "project"):
        receipts.append(f"<results>/{project}/records/project/push.json")
    if any(wanted[key] for key in PUSHED) or pushed_analyses(project, "session"):
        receipts += _expand(PUSH, project)
    return receipts


def copies(project):
    """The receipts of what a project's export has in another project, if the config wants that."""
    if not export_target(PROJECTS[project]):
        return []
    withdrawn = f"<results>/{project}/records/project/withdraw_dicom.json"
    return [*_expand(PUSH_DICOM, project), withdrawn]


def sent_of_project(wildcards):
    """The receipts of a job's project, and the records of its exports."""
    return pushes(wildcards.project) + exports(wildcards.project)


def summaries_without_pushes(wildcards):
    """The data protection summaries of projects that push nothing, so that none is pushed for."""
    page = "<results>/{project}/reports/data_protection.html"
    return [page.replace("{project}", name) for name in UNITS if not pushes(name)]


def export_of_project(wildcards):
    """What a job's project exports as DICOM."""
    return export_settings(PROJECTS[wildcards.project])


def export_target_of_project(wildcards):
    """The other project that gets the export of a job's project."""
    return export_target(PROJECTS[wildcards.project])


def exports(project):
    """The records of a project's exports, if it asks for them; and of what was taken out of them,
    which is also asked for once an export was switched off."""
    wanted = export_settings(PROJECTS[project])
    pruned = f"results/{project}/records/project/export.json"
    if not (
        wanted or Path(pruned).exists() or Path(f"results/{project}/dicom").is_dir()
    ):
        return []
    return [pruned] + (_expand(EXPORT, project) if wanted else [])


DATASET_SETTINGS = (
    "bids",
    "participants",
    "sessions",
    "phenotype",
    "deface",
)
PUSHED = ("reports", "bids_resources", "assessor")
ADMIT = "<results>/{project}/records/<unit>/admit.json"
PUSH = "<results>/{project}/records/<unit>/push.json"
PUSH_DICOM = "<results>/{project}/records/<unit>/push_dicom.json"
EXPORT = "<results>/{project}/records/<unit>/export.json"


def session_gb(project, unit):
    """What the archive lists of a session, in GB."""
    return listed_bytes(Path(f"private/{project}/sessions/{unit}.json")) / 1e9


def _expand(pattern, project):
    return [
        pattern.replace("<unit>", str(unit)).replace("{project}", project)
        for unit in UNITS[project]
    ]
