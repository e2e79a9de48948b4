"""The plugin system: hook specifications, what plugins hand in, and who is loaded from where."""
