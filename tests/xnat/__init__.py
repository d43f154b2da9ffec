"""`make test-xnat`: the workflow against an XNAT of its makers, and one file that says how it went.

Where Docker is, a fresh XNAT is started and removed again; COIL_XNAT names one that runs already
and is there for tests alone. Each part goes on where another failed.
"""
