"""What a box needs to check and install a release. It runs on Python's standard library alone, outside the slots."""
