"""Run one analysis on a session, a subject or a project, apart from everything else.

in:  the analysis' definition, as JSON; its scope; the admitted sessions, by their records
out: the record, with what the analysis left in its derivative dataset

It runs with Snakemake's own Python and starts the analysis as a program in the environment
that the rule set up; docs/analyses.md says with which arguments.
"""

import sys

from coil.analyses.command import main

if __name__ == "__main__":
    main(sys.argv[1:], __doc__)
