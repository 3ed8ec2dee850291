"""The CDS service (CDS Hooks 2.0): tells the EHR that codes wait for review, and hands it those a person signed."""

from smartapp.cds.answering import CodesToReview
from smartapp.cds.calls import Feedback, HookCall, read_call, read_feedback
from smartapp.cds.discovery import SERVICE, services

__all__ = ["SERVICE", "CodesToReview", "Feedback", "HookCall", "read_call", "read_feedback", "services"]
