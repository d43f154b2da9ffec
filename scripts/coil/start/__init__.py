"""The beginning of a study: a look at what will work, and a draft of its config."""
