// Sends the sign-in on to the EHR without a click; not again when the user comes back to this page.

const arrived = performance.getEntriesByType("navigation")[0]?.type;
if (arrived !== "back_forward") document.getElementById("handover").submit();
