"""Trained networks to segmentations on the CT's own grid."""
