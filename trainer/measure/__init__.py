"""Measures a bundle's whole detector: on the simulated camera where the truth is known, on clips without a source."""
