"""Scenes before the simulated camera: generated ones and footage of fixed cameras."""
