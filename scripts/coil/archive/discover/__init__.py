"""The listing of a project ahead of the jobs: its sessions, and which of them changed."""
