"""The simulated camera: photons, electrons, pixels, image pipeline, film."""
