"""Notebook 05: export, card, hand-over."""
