# In:  PROJECTS, ANALYSES and UNITS.
# Out: the records that each target stands for. Targets ask for them themselves: Snakemake makes
#      nothing again that only stood between a session and a page that is there. No rules here.


def records(target):
    """All records that a target stands for, as its input."""

    def find(wildcards):
        return [path for paths in _records_of_target(target).values() for path in paths]

    return find


def records_of(call):
    """The records that an invocation asks for, by project."""
    found = {project: {} for project in UNITS}
    for target in call.targets if call.whole else ():
        for project, paths in _records_of_target(target).items():
            plain = (path.replace("<results>", "results") for path in paths)
            found[project].update(dict.fromkeys(plain))
    if not call.until:
        return found
    last = [workflow.get_rule(name) for name in call.until if workflow.is_rule(name)]
    return {
        project: [path for path in paths if any(one.is_producer(path) for one in last)]
        for project, paths in found.items()
    }


def dataset_records(project):
    """What became of a project's sessions and of its questionnaires."""
    asked = f"<results>/{project}/records/project/questionnaires.json"
    return [*_expand(ADMIT, project), asked]


def analysed_records(project):
    """The same, and what became of its analyses."""
    return dataset_records(project) + _records(project, ANALYSES[project].values())


def pushed_records(project):
    """What was pushed of a project, and the records of what is pushed."""
    own = analysed_records(project) if own_pushes(project) else []
    shared = dataset_records(project) + exports(project) if copies(project) else []
    return own + shared + pushes(project)


def all_records(project):
    """All records of a project."""
    return analysed_records(project) + exports(project) + pushes(project)


RECORDS = {
    "all": all_records,
    "bids": dataset_records,
    "merged": dataset_records,
    "export": exports,
    "analyses": analysed_records,
    "reports": analysed_records,
    "push": pushed_records,
}


def _records_of_target(target):
    if target not in RECORDS:
        return {}
    parts = {part for one in MERGED.values() for part in one["projects"]}
    projects = [name for name in UNITS if target != "merged" or name in parts]
    return {project: RECORDS[target](project) for project in projects}
