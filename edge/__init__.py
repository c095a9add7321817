"""The agent on the box: frames in, detections and alarms out. Owns the contract that all packages share."""

__version__ = "0.1.0"
