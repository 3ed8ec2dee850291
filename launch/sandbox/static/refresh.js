// Brings the chart panel up to date without reloading the page, which would restart the app in its frame.
const link = document.getElementById("refresh");
const record = document.getElementById("record");
const status = document.getElementById("refreshed");

link.addEventListener("click", async (event) => {
  event.preventDefault();
  const open = new Set([...record.querySelectorAll("details[open] > summary")].map((summary) => summary.textContent));
  try {
    const answer = await fetch(link.dataset.fragment, { credentials: "same-origin" });
    if (!answer.ok) throw new Error(String(answer.status));
    record.innerHTML = await answer.text();
    for (const summary of record.querySelectorAll("summary")) {
      summary.parentElement.open = open.has(summary.textContent);
    }
    status.textContent = `Up to date at ${new Date().toLocaleTimeString()}`;
  } catch {
    status.textContent = "The chart could not be refreshed. Try again.";
  }
});
