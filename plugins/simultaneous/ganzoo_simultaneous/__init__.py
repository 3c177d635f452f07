"""Simultaneous gradient descent (Mescheder, Nowozin & Geiger 2017), arXiv:1705.10461."""

from ganzoo_simultaneous.simultaneous import Simultaneous

__all__ = ["Simultaneous"]
