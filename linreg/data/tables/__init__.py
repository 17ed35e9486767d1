"""Tables on disk: Parquet files, their integrity, and reading them ahead."""
