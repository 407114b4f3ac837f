"""Values every floor shares: time, geometry, observations, site files, settings, errors. Imports no other floor."""
