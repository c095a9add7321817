"""Sources of frames: recordings, network streams, USB and CSI cameras."""
