"""A frame in, hits out: fast path, crops, classifier."""
