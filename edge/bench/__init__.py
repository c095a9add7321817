"""Gammabox side by side with what a user would otherwise pick, on the same frames in the same run."""
