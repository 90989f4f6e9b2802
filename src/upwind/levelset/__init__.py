"""The level set method: the equation and its upwind scheme (``equation``), what moves a contour
through a speed image (``engines``), and ITK-SNAP's segmentation with it, by an operator who sees
the answer and blind (``itk_snap``).

The level set function u is a signed distance in voxels, u > 0 inside the contour, everywhere in
this package; engines whose library has it the other way round turn it at their own border.
"""
