"""A look at archive, login and machine before the workflow runs: whether they will do."""
