"""What a method knows before it trains, taken from its training patients alone."""

from typing import Annotated

import numpy as np
from pydantic import Field

_Place = Annotated[float, Field(ge=0, le=1)]
#: Row, column and radius as shares of the slice's size.
Disc = tuple[_Place, _Place, Annotated[float, Field(gt=0, le=1)]]


def disc_of(masks: np.ndarray, radius: float) -> Disc:
    """Initial disc (row, column, radius) as shares of the slice's size.

    ``masks`` (n, size, size) are the liver masks of the training slices; the disc is centred at
    the centre of mass of their mean, that is, where livers are in these patients. The authors put
    it by hand at 0.25 and 0.67 of the two axes [code]; taking it from the training patients keeps
    the unseen ones unseen.
    """
    weight = masks.mean(axis=0, dtype=np.float64)
    centres = (np.arange(weight.shape[0]) + 0.5) / weight.shape[0]
    row = float((weight.sum(axis=1) * centres).sum() / weight.sum())
    column = float((weight.sum(axis=0) * centres).sum() / weight.sum())
    return row, column, radius
