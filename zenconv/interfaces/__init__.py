"""What a component must offer: a few verbs each; what they do on a miss, a duplicate, a crash."""
