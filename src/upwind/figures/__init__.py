"""Figures of the experiment: pure functions from data to matplotlib figures."""
