"""Frames in, hits out: fast path, crops, networks, decision."""
