"""How a project begins: files from a template, or a step file drafted from a notebook."""
