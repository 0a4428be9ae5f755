"""The fault mode: the ways in which an outside world fails, on demand and repeatably."""

from sandbox.faults.mode import Fault, FaultMode, Kind, Order, Party

__all__ = ["Fault", "FaultMode", "Kind", "Order", "Party"]
