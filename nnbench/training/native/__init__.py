"""Train a stack as C: one network's functions, traced once; the map over networks is a C loop."""
