"""What is measured once where a box hangs: its calibration, and recordings for datasets."""
