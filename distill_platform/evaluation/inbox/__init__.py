"""The inbox: where run bundles arrive, and how those that hold are taken in for ever."""

from distill_platform.evaluation.inbox.arrivals import Accepted, Arrival, Known, Parked, Refused, take_in
from distill_platform.evaluation.inbox.bundle_store import BundleStore
from distill_platform.evaluation.inbox.scanning import FolderState, Found, scan
from distill_platform.evaluation.inbox.submitting import submit

__all__ = [
    "Accepted",
    "Arrival",
    "BundleStore",
    "FolderState",
    "Found",
    "Known",
    "Parked",
    "Refused",
    "scan",
    "submit",
    "take_in",
]
