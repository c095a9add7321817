"""What stands before the simulated camera: generated scenes and footage of fixed cameras."""
