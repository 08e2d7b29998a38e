"""What probes saw: pictures of gradients, signals, deaths and growth through the layers."""
