"""Settings: where a project is, what its configuration says, and where each value is written."""
