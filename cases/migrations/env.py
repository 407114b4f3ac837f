"""Alembic environment: migrates the connection that the program (``cases.database``) hands over."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=False)
context.run_migrations()
