"""How the networks are made: rows whose licence allows shipping, rendered scenes, fine-tuning, export, figures.

Needs the extra ``train`` (torch, ultralytics). ``python -m models.train --help`` says how.
"""
