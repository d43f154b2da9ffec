"""An invocation of the workflow: planned, rerun, told of at its end."""
