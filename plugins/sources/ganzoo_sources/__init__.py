"""Data sources: handwritten digits, data sets of the Hub and of torchvision."""
