"""The built-in components: artifact stores and action caches, registered as any plugin's are."""
