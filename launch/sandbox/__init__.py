"""The demo EHR: a strict SMART authorization server and scope proxy before a FHIR R4 server."""
