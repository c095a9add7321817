"""Datasets A, B, C, N and P: recordings, scenes, fusion, crops."""
