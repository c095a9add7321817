"""Commands of gammabox-edge: each module parses nothing but its own options, calls the product, and prints."""
