"""What the outside world sends to Loopkeeper: delivered in order, tried again, and logged."""

from sandbox.courier.courier import Courier
from sandbox.courier.parcels import Attempt, Delivery, Outcome, Parcel, Sender, State, Wire

__all__ = ["Attempt", "Courier", "Delivery", "Outcome", "Parcel", "Sender", "State", "Wire"]
