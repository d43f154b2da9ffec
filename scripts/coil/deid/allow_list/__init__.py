"""The keys of sidecars that may leave, and what each may hold."""
