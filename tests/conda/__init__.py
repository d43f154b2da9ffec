"""`--sdm conda` without conda's channels: local channels of wheels, and a stand-in for conda.

`packing.py` and `channel.py` make the channels, `names.py` knows where they differ from PyPI,
`standin.py` is the command: these run in an environment of their own (requirements/conda.txt).
`bench.py` sets all of it up once. `watch_imports.py`, put into an environment, notes every import
there, and `imports.py` judges where it came from. An environment file added to envs/ joins the
channels by itself; its packages must be pinned in requirements/run.txt.
"""
