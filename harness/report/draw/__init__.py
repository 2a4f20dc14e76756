"""How it is drawn: from the description of a figure to SVG and PNG, by matplotlib."""
