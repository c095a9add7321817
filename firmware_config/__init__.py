"""From one site file to a fleet of boxes that reports online."""
