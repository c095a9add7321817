"""Messages for an outbox, and what it would send."""

from edge.telemetry.outgoing import Outgoing


def message(payload, keep="until_full", topic="t/hit"):
    """Return a message that the outbox may drop when it is full, unless `keep` says otherwise."""
    return Outgoing(topic, payload.encode(), retain=False, keep=keep, boot_id="b", expiry_s=60)


def payloads(outbox, limit=1000, skip=()):
    """Return the payloads of the messages that come next."""
    return [each.message.payload.decode() for each in outbox.next(limit, skip)]
