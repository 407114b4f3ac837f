"""From pixels to observations: detecting, tracking, reading lamps, masking people and plates."""
