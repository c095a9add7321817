"""Studies: what engineers once wanted to know about the camera and the detector; no product needs them."""
