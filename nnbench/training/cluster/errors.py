"""What a cluster can refuse, in a sentence."""


class ClusterError(Exception):
    """A cluster that cannot be used as asked: the message says why, and the way out."""
