"""ITK-SNAP's segmentation: speeds, bubble, the simulated operator and the blind baseline."""
