"""A first-level general linear model of a task, fitted by nilearn."""
