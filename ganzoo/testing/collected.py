"""The tests that `pytest --ganzoo DISTRIBUTION` collects."""

from ganzoo.testing import contract
from ganzoo.testing.plugin import chosen

TestContract = contract(chosen[0])
