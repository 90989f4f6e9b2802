"""Level set segmentation: speeds, engines that evolve a contour, the simulated operator (who sees
the answer) and the blind baseline.

The level set function u is a signed distance in voxels, u > 0 inside the contour, everywhere in
this package; engines whose library has it the other way round turn it at their own border.
"""
