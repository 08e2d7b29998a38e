"""A study of twelve small networks, of which two diverge."""

STUDY = """
name = "tiny"
title = "A tiny study"
question = "Does it run?"
[grid]
data = ["iris"]
activation = ["relu", "tanh"]
optimizer = [{ name = "adam", lr = 0.01 }, { name = "sgd", lr = [0.1, 1e9] }]
depth = 1
width = 8
epochs = 3
seeds = 2
[report]
target = 0.6
"""
