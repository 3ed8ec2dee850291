// One press is enough: a second one is swallowed while the first is under way. The server writes once in any case.

for (const form of document.querySelectorAll("form[data-sign]")) {
  const button = form.querySelector("button");
  const words = button.textContent;
  form.addEventListener("submit", (event) => {
    if (button.getAttribute("aria-disabled") === "true") return event.preventDefault();
    button.setAttribute("aria-disabled", "true");
    button.textContent = button.dataset.busy;
  });
  window.addEventListener("pageshow", () => {
    button.removeAttribute("aria-disabled");
    button.textContent = words;
  });
}
