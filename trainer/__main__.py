"""Let `python -m trainer` run gammabox-trainer where the console script is not on the path."""

from trainer.commands.cli import main

main()
