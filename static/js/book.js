// The code book in a dialog: opened from anywhere, turned by its own buttons, its builder picked by single keys.
// Each turn is a step of the browser's history, which names no code: the browser's Back turns back, at last to the review.
const dialog = document.getElementById("book");
const page = document.getElementById("book-page");
let origin = null; // where the focus was
let depth = 0; // steps of the history that are the book's
let shown = ""; // the way on the page
let travelling = false; // the browser's history moved already

export const bookIsOpen = () => dialog?.open;

// Of the place, or of its first page; `t` and the search come here.
// `go`: "build" opens where side and 7th character of the code are chosen.
export function openBook(place = "", go = "") {
  const form = document.getElementById("to-book");
  form.elements.go.value = go;
  const button = form.querySelector("button");
  button.value = place;
  form.requestSubmit(button);
}

// Buttons outside a form are a part of it, too.
function withButton({ detail }) {
  const button = detail.triggeringEvent?.submitter;
  if (button?.name) detail.parameters[button.name] = button.value;
}

function opening({ target }) {
  if (target.id !== "to-book" || dialog.open) return;
  origin = document.activeElement;
  page.replaceChildren();
  dialog.showModal();
}

const groups = () => [...page.querySelectorAll("#builder fieldset")];
const isChosen = (group) => Boolean(group.querySelector(":checked"));

function pick(event) {
  const typed = event.target.closest?.("input:not([type=radio]), select, textarea");
  if (!dialog.open || typed || event.ctrlKey || event.metaKey || event.altKey || document.body.matches(".keys-off")) return;
  const group = groups().find((each) => !isChosen(each)) ?? groups().at(-1);
  const option = group?.querySelector(`input[value="${CSS.escape(event.key.toUpperCase())}"]`);
  if (!option) return;
  event.preventDefault();
  option.checked = true;
  chosen();
}

function chosen() {
  const open = groups().find((group) => !isChosen(group));
  if (open) open.querySelector("input").focus();
  else page.querySelector("#builder").requestSubmit();
}

// After each turn the reader is at the title; with a code built, at the button that adds it.
function turned({ detail }) {
  if (detail.target !== page) return;
  step();
  dialog.scrollTop = 0;
  const first = page.querySelector(".builder .book-add button") ?? page.querySelector("#builder fieldset input");
  (first ?? page.querySelector("#book-title"))?.focus();
}

function step() {
  const way = page.querySelector("#book-turn")?.elements.way.value ?? "";
  if (way !== shown && !travelling) history.pushState({ book: ++depth }, "");
  [shown, travelling] = [way, false];
}

// The arrows of the bar move the history, and that turns the page.
function arrow(event) {
  const button = event.target.closest?.("#book-turn [name=go]");
  if (!button || travelling || !dialog.open) return;
  event.preventDefault();
  if (button.value === "back") history.back();
  else history.forward();
}

function travelled({ state }) {
  if (!dialog.open) return;
  const to = state?.book ?? 0;
  const button = page.querySelector(`#book-turn [name=go][value=${to < depth ? "back" : "forward"}]`);
  depth = to;
  if (!to || !button || button.disabled) return dialog.close();
  travelling = true;
  button.form.requestSubmit(button);
}

function added({ target }) {
  if (target.matches?.("[data-adds]")) dialog.close();
}

function closed() {
  if (depth) history.go(-depth);
  [depth, shown, travelling] = [0, "", false];
  const back = origin?.isConnected ? origin : document.getElementById("words");
  back?.focus({ preventScroll: true });
}

export function followBook() {
  if (!dialog) return;
  document.addEventListener("submit", opening, { capture: true });
  document.addEventListener("submit", added);
  document.body.addEventListener("htmx:configRequest", withButton);
  document.body.addEventListener("htmx:afterSwap", turned);
  addEventListener("popstate", travelled);
  dialog.addEventListener("click", arrow);
  dialog.addEventListener("keydown", pick);
  dialog.addEventListener("change", ({ target }) => {
    if (target.matches("#builder input") && groups().every(isChosen)) chosen();
  });
  dialog.addEventListener("click", ({ target }) => {
    if (target.closest("[data-closes]")) dialog.close();
  });
  dialog.addEventListener("close", closed);
}
