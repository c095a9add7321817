"""The benchmark: Gammabox and other methods side by side, on the same frames in the same run."""
