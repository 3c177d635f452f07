"""Drawn faces, from the styles of DiceBear: `faces[:key=value,...]`."""
