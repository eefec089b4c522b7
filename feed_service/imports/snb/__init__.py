"""`feed-service import snb DIR`: the data set of the LDBC Social Network Benchmark (its CsvBasic files)."""

from feed_service.imports.snb.load import import_snb

__all__ = ["import_snb"]
