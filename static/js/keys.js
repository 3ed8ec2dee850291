// Single-key shortcuts: off inside fields, and they can be switched off altogether (WCAG 2.1.4).
import { chosenCard, choose, evidenceOf, goBack, goToCard, goToMark, showPart, visibleCards } from "./evidence.js";

const SETTING = "chartside.keys"; // holds "off" or nothing; never anything of a patient
const dialog = document.getElementById("shortcuts");

// An EHR's frame may forbid storage.
function stored() {
  try { return localStorage.getItem(SETTING); } catch { return null; }
}

function store(value) {
  try { localStorage.setItem(SETTING, value); } catch { /* lasts as long as the page, then */ }
}

let on = stored() !== "off";

function step(by) {
  const cards = visibleCards();
  const at = cards.indexOf(chosenCard());
  const next = cards[at < 0 ? (by > 0 ? 0 : cards.length - 1) : Math.min(Math.max(at + by, 0), cards.length - 1)];
  if (!next) return;
  choose(next, { show: true });
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}

function stepEvidence(by) {
  const card = chosenCard();
  const marks = card ? evidenceOf(card) : [];
  if (!marks.length) return;
  const at = marks.indexOf(document.activeElement);
  goToMark(marks[at < 0 ? 0 : (at + by + marks.length) % marks.length], card);
}

function press(key) {
  chosenCard()?.querySelector(`[data-key="${key}"]`)?.click();
}

function accept() {
  const button = chosenCard()?.querySelector('[data-key="a"]');
  if (!button) return;
  button.form.dataset.byKey = "";
  button.click();
}

// Whoever decides by keys goes on to the next undecided code; whoever clicks stays where the hand is.
function goOn({ target }) {
  const card = target.closest(".card");
  if (target.dataset.byKey === undefined || !card) return;
  const cards = visibleCards();
  showPart("codes");
  const next = cards.slice(cards.indexOf(card) + 1).find((other) => other.dataset.state === "undecided");
  (next ?? card).focus({ preventScroll: true });
  choose(next ?? card, { show: true });
  (next ?? card).scrollIntoView({ block: "nearest", behavior: "instant" }); // a swap follows at once
}

const decided = []; // the codes of this page's decisions, in order, without those taken back

function drop(code) {
  const at = decided.lastIndexOf(code);
  if (at >= 0) decided.splice(at, 1);
}

function follow({ target }) {
  const { action, code } = target.elements;
  if (!action || !code) return;
  if (action.value === "undo") drop(code.value);
  else decided.push(code.value);
}

function notTaken({ detail }) {
  const { action, code } = detail.elt.elements ?? {};
  if (!detail.successful && action && code && action.value !== "undo") drop(code.value);
}

// Of the chosen code; where it has nothing to undo, of the code decided last, which is then the chosen one.
function undo() {
  if (chosenCard()?.querySelector('[data-key="u"]')) return press("u");
  const last = decided.at(-1);
  const card = last && document.querySelector(`.card[data-code="${last}"]`);
  if (card?.querySelector('[data-key="u"]')) {
    goToCard(card);
    return press("u");
  }
  // Its answer is awaited: an earlier decision must not be undone in its place.
  const words = last ? `The decision on ${last} is being saved. Press u again.` : "Nothing was decided here to undo.";
  document.getElementById("said").textContent = words;
}

function reject() {
  const box = chosenCard()?.querySelector("details.reject");
  if (!box) return;
  showPart("codes");
  box.open = true;
  box.querySelector("form").dataset.byKey = "";
  box.querySelector("select").focus();
}

function search() {
  const field = document.getElementById("words");
  field?.focus();
  field?.select();
}

const enterOn = (element) => {
  if (element.matches?.("mark")) return goBack();
  const first = element.matches?.(".card") && evidenceOf(element)[0];
  if (first) goToMark(first, element);
};

const ACTS = {
  j: () => step(1),
  k: () => step(-1),
  a: accept,
  u: undo,
  p: () => press("p"),
  x: reject,
  n: search,
  "/": search,
  "]": () => stepEvidence(1),
  "[": () => stepEvidence(-1),
};

function pressed(event) {
  if (dialog.open || event.isComposing) return;
  if (event.key === "Enter" && event.ctrlKey) return document.querySelector(".tally a").click();
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") return escape(event);
  if (event.key === "Enter" && event.target.matches?.(".reject-form select")) {
    event.preventDefault();
    return event.target.form.requestSubmit();
  }
  if (event.target.closest?.("input, select, textarea")) return;
  if (event.key === "Enter") return enterOn(event.target);
  if (event.key === "?" && on) return dialog.showModal();
  if (!on || !(event.key in ACTS)) return;
  event.preventDefault();
  ACTS[event.key]();
}

function escape(event) {
  const { target } = event;
  if (target.id === "words" && target.value) return; // the browser empties the field
  const box = target.closest?.("details.reject");
  if (box) box.open = false;
  if (target.id === "words" && !chosenCard()) return target.blur();
  goBack();
}

function apply() {
  document.body.classList.toggle("keys-off", !on);
  document.getElementById("keys-on").checked = on;
}

export function followKeys() {
  document.addEventListener("keydown", pressed);
  document.addEventListener("submit", goOn);
  document.addEventListener("submit", follow);
  document.body.addEventListener("htmx:afterRequest", notTaken);
  document.querySelector("[data-opens='shortcuts']").addEventListener("click", () => dialog.showModal());
  document.getElementById("keys-on").addEventListener("change", (event) => {
    on = event.target.checked;
    store(on ? "" : "off");
    apply();
  });
  apply();
}
