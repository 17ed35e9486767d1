"""Tables that are neither CSV nor Parquet: Arrow files, JSON, workbooks."""
