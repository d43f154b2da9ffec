"""What could tell who somebody is, and the search for it."""
