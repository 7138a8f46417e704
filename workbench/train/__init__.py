"""Notebook 03: Plan -> Run."""
