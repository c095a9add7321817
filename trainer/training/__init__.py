"""Training: networks, batches, fitting, and the run folder that a training leaves."""
