// One press is enough: a second one is swallowed while the first is under way. The server writes once in any case.
// Whoever waits longer is told that the EHR is slow.

const SLOW_AFTER_MS = 5000;

// Ctrl+Enter led here from the review; here it leads on, to what the signature still lacks, never past it.
// Enter on the box that was ticked signs, as in any form; in the other fields it keeps what was said.
document.addEventListener("keydown", (event) => {
  const form = document.querySelector("form#sign");
  const signs = document.querySelector(".attest [data-busy]");
  if (event.key !== "Enter" || !form) return;
  if (event.ctrlKey) {
    const lacking = [...form.elements].find((field) => !field.checkValidity());
    ((signs && lacking) ?? signs ?? document.querySelector(".attest a"))?.focus();
  } else if (event.target.name === "attest") {
    event.preventDefault();
    form.requestSubmit(signs);
  }
});

// On the document: the page may be shown anew under it, with forms that were not there before.
const busy = new Map(); // form -> its button, and how that was

document.addEventListener("submit", (event) => {
  const { target: form, submitter: button } = event;
  if (!form.matches("form[data-sign]")) return;
  if (busy.has(form)) return event.preventDefault();
  if (!button.dataset.busy) return change(event);
  const slow = button.closest("section, form").querySelector("[data-slow]");
  busy.set(form, { button, slow, words: button.textContent, patience: setTimeout(() => (slow.hidden = false), SLOW_AFTER_MS) });
  button.setAttribute("aria-disabled", "true");
  button.textContent = button.dataset.busy;
});

// Whatever else the summary changes shows it anew in its place, so that the browser's way back stays what it was.
function change(event) {
  const list = document.querySelector(".accepted[hx-post]");
  if (!list) return;
  event.preventDefault();
  const { name, value } = event.submitter;
  htmx.ajax("POST", list.getAttribute("hx-post"), { source: list, values: name ? { [name]: value } : {} });
}

document.body.addEventListener("htmx:afterSwap", ({ detail }) => {
  if (detail.target.id === "main" && document.activeElement === document.body) document.getElementById("main").focus({ preventScroll: true });
});

document.body.addEventListener("htmx:sendError", () => {
  document.getElementById("notice")?.replaceChildren(document.getElementById("offline").content.cloneNode(true));
});

window.addEventListener("pageshow", () => {
  for (const { button, slow, words, patience } of busy.values()) {
    clearTimeout(patience);
    slow.hidden = true;
    button.removeAttribute("aria-disabled");
    button.textContent = words;
  }
  busy.clear();
});
