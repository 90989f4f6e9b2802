"""Two files of one kind, compared part by part: cells, tensors, voxels, settings."""
