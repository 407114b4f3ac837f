"""Scenes with a known answer: description -> world states -> picture, ground truth and site file."""
