"""The results of a run, as the evaluate stage has written them."""
