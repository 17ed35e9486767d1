"""A stage as one process or as several, each with shards of its own, under torch.distributed."""
