"""Notebook 01: files -> checks -> report -> decisions -> data set."""
