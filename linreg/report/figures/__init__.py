"""The pictures of a run, as SVG."""
