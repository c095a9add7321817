"""The control room: the subscriber and the board of all boxes."""
