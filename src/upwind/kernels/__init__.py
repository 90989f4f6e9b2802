"""The learned 3x3 kernels of a network: clusters, principal axes and hand-crafted stencils."""
