"""What a stage says about its run, on this disk."""
