"""The commands of gammabox-firmware."""

from firmware_config.commands.cli import app, main

__all__ = ["app", "main"]
