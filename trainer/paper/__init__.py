"""The paper's protocol, from covered lens to Table 5: sets A, B, C, fused training, unfused tests, one page."""
