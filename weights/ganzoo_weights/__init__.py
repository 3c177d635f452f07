"""Published weights: weights.json says which, and every folder is laid out as a repository of the Hub."""
