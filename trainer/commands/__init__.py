"""Commands of gammabox-trainer: each module parses, calls and prints."""
