"""The terminal of a control room: boxes by urgency, alarms of the session, acknowledgement."""
