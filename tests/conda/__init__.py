"""Conda environments without conda's channels."""
