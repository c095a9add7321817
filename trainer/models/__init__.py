"""The networks, each a function that returns a Keras model."""
