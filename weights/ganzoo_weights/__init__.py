"""Pretrained weights: weights.json lists them; each folder is laid out like a Hub repository."""
