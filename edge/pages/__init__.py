"""Pages to look at: one style of HTML and of plots as SVG, written without a plotting or template package."""
