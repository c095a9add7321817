"""Exports of the history: tables for other programs, N42.42 for radiation software, CAP for alarms."""
