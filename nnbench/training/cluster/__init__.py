"""Stacks as tasks of a Dask cluster: who may train, what travels, who has what."""
