"""FHIR R4: reading the chart and writing back. FHIR's spelling stays inside this package."""
