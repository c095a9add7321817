"""The device's settings: their definition, the YAML they are written in, and its faults in words."""
