"""Embedded data: a deterministic 3-D abdominal CT phantom in LiTS naming."""
