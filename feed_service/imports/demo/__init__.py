"""The small set of people and posts that an empty database begins with."""

from feed_service.imports.demo.load import load_demo

__all__ = ["load_demo"]
