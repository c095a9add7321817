"""Physics of the simulated camera: nuclides, photons, electrons in silicon, pixels, image pipeline."""
