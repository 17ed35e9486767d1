"""Cross-validation from the moments of each fold, which one pass over the rows sums up."""
