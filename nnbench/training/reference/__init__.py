"""One cell in ordinary torch, one network at a time: the oracle of every test."""
