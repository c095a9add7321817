"""The software of the box: frames in, hits and alarms out. The other packages build on it."""

__version__ = "0.1.0"
