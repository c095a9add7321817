"""Messages, topics, the outbox on disk and the link to the broker."""
