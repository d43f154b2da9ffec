"""Rules that say of a series what it becomes, and the one state that each series ends in."""
