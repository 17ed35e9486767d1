"""A plot as SVG text: axes, marks and labels."""
