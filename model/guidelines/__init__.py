"""Rules of the ICD-10-CM Official Guidelines as data with their citations, and their evaluators."""
