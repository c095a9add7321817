"""Checks of the simulated camera against independent figures and real hits."""
