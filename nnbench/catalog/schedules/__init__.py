"""Schedules of the learning rate in closed form, and their twins in torch."""
