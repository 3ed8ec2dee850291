"""Text in, codes with evidence out. Knows no EHR and no web."""
