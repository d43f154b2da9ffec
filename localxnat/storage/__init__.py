"""All that is kept: objects in SQLite, files in folders, users, sessions in the prearchive."""
