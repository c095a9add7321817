"""Full-integer int8 models for the box, and the proof that quantising cost nothing."""
