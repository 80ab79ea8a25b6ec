"""Published systems as recipes: trained, measured, exported and asked by the same means."""
