"""Terms of a formula tested and chosen from the moments of the rows, which are not read again."""
