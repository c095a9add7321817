"""Hits in, alarms out: live time, background, trigger."""
