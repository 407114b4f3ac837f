"""Alembic migrations of the case database: numbered, never edited once released."""
