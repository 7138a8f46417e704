"""Shared by all steps: batched answers, scorers, intervals, scorecards."""
