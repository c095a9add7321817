"""Writes an image onto a card: which disks are safe to write, the image as a stream, the card, and the order of it."""
