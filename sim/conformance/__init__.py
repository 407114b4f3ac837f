"""The conformance set: one file a legal situation, swept through its numbers by ``vary``."""
