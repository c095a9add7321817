"""Where frames come from: recordings, network streams, USB and CSI cameras."""
