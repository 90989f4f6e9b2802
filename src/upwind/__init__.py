"""upwind: level set networks and convolutional kernels for CT segmentation.

Data flows one way, and the packages are named for its stations:
``phantom`` -> ``data`` (raw volumes, checked cases, slices, folds) -> ``networks`` and
``levelset`` -> ``training`` -> ``segmentation`` -> ``scores`` -> ``tables``, and
weights -> ``kernels`` -> ``figures``.
"""

__version__ = "0.1.0"
