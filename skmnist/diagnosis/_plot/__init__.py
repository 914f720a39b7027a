"""Pictures of how a network learned, what it confuses, what it looks for: a module each."""
