"""Prepares the image of a system for one box, without root and without a mount."""
