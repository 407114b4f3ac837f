"""Joins ingest, vision, rules and evidence: footage in, sealed cases out."""
