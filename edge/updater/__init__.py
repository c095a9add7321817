"""The updater of a box: two slots, one of which runs. It is packed as a file that needs Python's own library only."""
