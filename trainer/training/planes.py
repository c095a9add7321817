"""The planes that a network sees of crops that have been read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.detect.crops import network_input

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edge.detect.crops import Planes


def network_planes(pictures: NDArray[np.uint8], planes: Planes) -> NDArray[np.uint8]:
    """Return what a network sees of `Crops.pictures`, uint8, shape (n, size, size, number of planes).

    Compensated planes are laid out when crops are read, as the search for motion takes long and needs wider pictures.

    Examples
    --------
    >>> import numpy as np
    >>> grey = np.array([10, 50, 20], np.uint8).reshape(1, 1, 1, 3)
    >>> network_planes(grey, "spike").tolist()
    [[[[50, 30, 10]]]]

    """
    if planes == "compensated":
        return pictures
    return network_input(planes, pictures, pictures if planes == "rgb" else None)
