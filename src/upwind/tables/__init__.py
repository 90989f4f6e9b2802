"""Scores to the tables of the paper and beyond."""
