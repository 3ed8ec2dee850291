"""Lets the EHR's user in: SMART App Launch 2.2. Knows no notes and no codes."""
