"""What an analysed recording looks like: a page with its hits, and a film in which they are ringed."""
