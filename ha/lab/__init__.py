"""The lab: a whole data centre as network namespaces on one machine."""

from ha.lab.lab import Lab
from ha.lab.lab import open_lab as open  # noqa: A004 - read as `lab.open(name)`

__all__ = ["Lab", "open"]
