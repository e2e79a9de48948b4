"""Keeping a project's state in order: checking it, cleaning it, copying results between stores."""
