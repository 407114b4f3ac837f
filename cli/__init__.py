"""The ``lukou`` command: puts the parts together and talks to the person at the terminal."""
