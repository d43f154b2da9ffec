# In:  SELECTED and UNITS.
# Out: the records that each target asks for (scripts/coil/run/selection.py). No rules here.


def records(target):
    """The records that a target stands for and that are not settled, as its input.

    With the sessions' tables, so that there is an input where all is settled.
    """

    def find(wildcards):
        tables = [str(Workspace().results(project).sessions) for project in UNITS]
        records = SELECTED.of_target(target).values()
        return [*tables, *(path for paths in records for path in paths)]

    return find
