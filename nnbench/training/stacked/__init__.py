"""One network as pure functions, mapped over many at once."""
