"""Level set segmentation: speeds, engines that evolve a contour, and the simulated operator.

The level set function u is a signed distance in voxels, u > 0 inside the contour, everywhere in
this package; engines whose library has it the other way round turn it at their own border.
"""
