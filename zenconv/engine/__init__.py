"""Plan and execute: decide what to reuse, run the rest, publish results, tell what happened."""
