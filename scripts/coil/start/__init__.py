"""What a study begins with: a look at what will work, and a draft of its config."""
