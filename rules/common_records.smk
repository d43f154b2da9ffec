# In:  SELECTED.
# Out: the records that each target and each invocation asks for (scripts/coil/run/selection.py).
#      No rules here.


def records(target):
    """All records that a target stands for, as its input."""
    return lambda wildcards: [
        path for paths in SELECTED.of_target(target).values() for path in paths
    ]


def records_of(call):
    """The records that an invocation asks for, by project."""
    asked = {project: {} for project in UNITS}
    for target in call.targets if call.whole else ():
        for project, paths in SELECTED.of_target(target).items():
            asked[project].update(dict.fromkeys(paths))
    if not call.until:
        return asked
    last = [workflow.get_rule(name) for name in call.until if workflow.is_rule(name)]
    return {
        project: [path for path in paths if any(one.is_producer(path) for one in last)]
        for project, paths in asked.items()
    }
