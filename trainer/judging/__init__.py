"""Figures of a trained network or of a whole bundle, each with its interval."""
