"""Footage in: files of one camera become one session of frames with time, stills and clips. Imports only core."""
