"""Sealed evidence: stills, clip, manifest, signature, hash chain; write-once store, offline verification, export."""
