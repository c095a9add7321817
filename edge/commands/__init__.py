"""The commands of gammabox-edge. Each module parses its options, calls the product and prints."""
