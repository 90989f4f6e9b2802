"""Segmentations and labels to scores, one row per method, fold, case and subset."""
