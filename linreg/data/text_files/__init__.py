"""Files of text, compressed or not and in any encoding, as a stream of UTF-8."""
