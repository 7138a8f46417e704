"""Notebook 02: arms -> Scorecards -> Recommendation."""
