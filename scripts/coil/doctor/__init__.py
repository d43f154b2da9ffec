"""What an archive, a login and a machine can do for the workflow, found out before it runs."""
