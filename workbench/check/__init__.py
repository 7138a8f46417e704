"""Notebook 04: before and after -> ForgettingReport -> Verdict."""
