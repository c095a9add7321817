"""The simulated camera at work: exposures, disturbances, films and their truth."""
