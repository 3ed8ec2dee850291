// Arrow keys between the search field and its results.

function moved(event) {
  const field = event.target.closest?.("#words");
  const result = event.target.closest?.(".results li");
  if (!(field || result) || !["ArrowDown", "ArrowUp", "Escape"].includes(event.key)) return;
  const words = document.getElementById("words");
  if (event.key === "Escape") {
    if (!result) return;
    event.stopPropagation();
    words.focus();
    return;
  }
  const buttons = [...document.querySelectorAll(".results button")];
  const at = buttons.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
  if (at >= buttons.length || (field && event.key === "ArrowUp")) return;
  event.preventDefault();
  (at < 0 ? words : buttons[at]).focus();
}

export function followSearch() {
  document.addEventListener("keydown", moved, { capture: true });
}
