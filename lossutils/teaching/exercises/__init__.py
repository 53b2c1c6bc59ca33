"""The exercises of the notebooks: one file for each notebook, on a common base."""

from lossutils.teaching.exercises.base import Exercise, require

__all__ = ["Exercise", "require"]
