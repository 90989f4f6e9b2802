"""Arrays as ITK's images: for the engines that need them, since SimpleITK takes a third of a second
to import, and the workflow reads the names of all engines whenever it starts."""

import numpy as np
import SimpleITK as sitk  # noqa: N813


def itk_image(array: np.ndarray) -> sitk.Image:
    """An array as ITK's image, float32."""
    return sitk.GetImageFromArray(np.ascontiguousarray(array, dtype=np.float32))
