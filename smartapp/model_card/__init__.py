"""The model card: the source attributes of 45 CFR 170.315(b)(11)(iv)(B), as the predictor and this site fill them."""

from smartapp.model_card.card import Attribute, ModelCard, SiteNotes
from smartapp.model_card.local import LocalValidity

__all__ = ["Attribute", "LocalValidity", "ModelCard", "SiteNotes"]
