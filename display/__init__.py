"""Exposure screens: what may be shown where and until when. Only masked derivatives, and nothing when in doubt."""
