"""The workstation: the simulated camera, the datasets, the networks and their honest figures."""
