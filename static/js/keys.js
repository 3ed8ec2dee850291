// Single-key shortcuts: off inside fields, and they can be switched off altogether (WCAG 2.1.4).
import { addForWords } from "./aim.js";
import { bookIsOpen, openBook } from "./book.js";
import { move } from "./claim.js";
import { followKeymap } from "./keymap.js";
import { actOf, keysOn, switchKeys } from "./keys-kept.js";
import { chosenCard, choose, evidenceOf, goBack, goToCard, goToMark, showPart, visibleCards } from "./evidence.js";

const dialog = document.getElementById("shortcuts");

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

// Another code in its place, a note to self: the panel opens with the focus in its field.
function openPanel(key) {
  const box = chosenCard()?.querySelector(`details:has(> [data-key="${key}"])`);
  if (!box) return;
  showPart("codes");
  box.open = true;
  const field = box.querySelector("input:not([type=hidden]), textarea");
  field.focus();
  field.select();
}

// In the claim, where the first letters of an answer choose it; Esc leads back to the card.
function sayAdmission() {
  const select = document.querySelector(`#claim li[data-code="${chosenCard()?.dataset.code}"] [name="poa"]`);
  if (!select) return;
  showPart("claim");
  select.focus();
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
  q: () => press("q"),
  x: reject,
  e: () => openPanel("e"),
  m: () => openPanel("m"),
  o: sayAdmission,
  w: addForWords,
  n: search,
  "/": search,
  t: () => openBook(chosenCard()?.dataset.code),
  "]": () => stepEvidence(1),
  "[": () => stepEvidence(-1),
};

function pressed(event) {
  if (dialog.open || bookIsOpen() || event.isComposing) return;
  if (event.key === "Enter" && event.ctrlKey) return document.querySelector(".tally a").click();
  const way = { ArrowUp: "up", ArrowDown: "down" }[event.key];
  const row = event.target.closest?.("#claim li") ?? chosenCard();
  const on = keysOn();
  if (event.altKey && way && on && row && !event.target.closest?.("input, select, textarea")) {
    event.preventDefault();
    return move(row.dataset.code, way);
  }
  if (event.ctrlKey && event.key === "z" && on && !event.target.closest?.("input, select, textarea")) {
    event.preventDefault();
    return undo();
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") return escape(event);
  if (event.key === "Enter" && event.target.matches?.(".reject-form select")) {
    event.preventDefault();
    return event.target.form.requestSubmit();
  }
  if (event.target.closest?.("input, select, textarea")) return;
  if (event.key === "Enter") return enterOn(event.target);
  if (event.key === "?" && on) return dialog.showModal();
  const act = on && actOf(event.key, ACTS);
  if (!act) return;
  event.preventDefault();
  ACTS[act]();
}

function escape(event) {
  const { target } = event;
  if (target.id === "words" && target.value) return; // the browser empties the field
  const box = target.closest?.("details.reject, details.act-more");
  if (box) box.open = false;
  if (target.id === "words" && !chosenCard()) return target.blur();
  goBack();
}

function apply() {
  document.body.classList.toggle("keys-off", !keysOn());
  document.getElementById("keys-on").checked = keysOn();
}

export function followKeys() {
  followKeymap();
  document.addEventListener("keydown", pressed);
  document.addEventListener("submit", goOn);
  document.addEventListener("submit", follow);
  document.body.addEventListener("htmx:afterRequest", notTaken);
  document.querySelector("[data-opens='shortcuts']").addEventListener("click", () => dialog.showModal());
  document.getElementById("keys-on").addEventListener("change", (event) => {
    switchKeys(event.target.checked);
    apply();
  });
  apply();
}
