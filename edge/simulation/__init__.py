"""Simulation of the alarm: background and sources as hits in time, played through the tracker that ships."""
