"""The settings of a box: their definition, their YAML file, and its faults in words."""
