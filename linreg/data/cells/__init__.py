"""How a cell of text is written: numbers, truth values, dates and words for a missing cell."""
