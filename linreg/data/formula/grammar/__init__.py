"""The grammar of formulas and conditions: words, the tree that they are parsed into, terms."""
