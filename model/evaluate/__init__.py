"""Measures the predictor on coded notes. Nothing that serves imports this package."""

from model.evaluate.gold import BadGold
from model.evaluate.reporting import Report, report
from model.evaluate.running import Sources

__all__ = ["BadGold", "Report", "Sources", "report"]
