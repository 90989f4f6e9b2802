"""The kernels of a trained UNet as one page to look things up in: clusters, layer by layer, what
each does to a CT slice, and what it is worth."""
