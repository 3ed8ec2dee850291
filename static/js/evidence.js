// From a code to the words it rests on, and back.

const tabs = document.querySelector(".tabs");
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const codesOf = (mark) => mark.dataset.codes.split(" ");

// Which marks a code has: looked up on each key press, so kept until the notes are drawn anew.
let index = null;

function marksOf(code) {
  if (!index) {
    index = new Map();
    for (const mark of all("mark[data-codes]")) {
      for (const of of codesOf(mark)) index.set(of, [...(index.get(of) ?? []), mark]);
    }
  }
  return index.get(code) ?? [];
}

export function forgetMarks() {
  index = null;
}

export const visibleCards = () => all(".card").filter((card) => card.checkVisibility());
export const chosenCard = () => document.querySelector(".card.now");

let origin = null; // id of the card whose evidence is being looked at

// In the one-column layout one of the two parts is shown; `replace` leaves the EHR's back button alone.
const oneColumn = () => getComputedStyle(tabs).display !== "none";

export function showPart(id) {
  if (oneColumn()) location.replace(`#${id}`);
}

export function choose(card, { show = false } = {}) {
  for (const other of all(".card.now, .card.lit")) other.classList.remove("now", "lit");
  card.classList.add("now");
  const lit = marksOf(card.dataset.code);
  for (const mark of all("mark.on")) mark.classList.remove("on");
  for (const mark of lit) mark.classList.add("on");
  document.getElementById("notes").classList.toggle("choosing", lit.length > 0); // the others step back
  watch(card, lit);
  if (show && !oneColumn() && lit.length && !lit.some(inSight)) lit[0].scrollIntoView({ block: "center" });
}

const VIEWED_AFTER = 700; // milliseconds with the words in sight
const seen = new Set(); // codes of this page whose evidence was looked at
const untold = new Set(); // those of them that have not reached the server
let watching = 0;

function watch(card, lit) {
  clearTimeout(watching);
  if (seen.has(card.dataset.code) || !lit.length) return;
  watching = setTimeout(() => {
    if (card === chosenCard() && (lit.some(inSight) || all("a.quote", card).some(inSight))) tellViewed(card.dataset.code);
  }, VIEWED_AFTER);
}

function tellViewed(code) {
  const form = document.getElementById("saw");
  if (!form || seen.has(code)) return;
  seen.add(code);
  untold.add(code);
  form.elements.codes.value = [...untold].join(" ");
  htmx.trigger(form, "saw");
}

function told({ detail }) {
  if (detail.elt.id !== "saw" || !detail.successful) return;
  for (const code of detail.requestConfig.parameters.codes.split(" ")) untold.delete(code);
}

function inSight(mark) {
  if (!mark.checkVisibility()) return false;
  const pane = mark.closest(".pane").getBoundingClientRect();
  const box = mark.getBoundingClientRect();
  return box.top >= pane.top + 40 && box.bottom <= pane.bottom;
}

export function goToMark(mark, card) {
  origin = card.id;
  choose(card);
  showPart("notes");
  tellViewed(card.dataset.code);
  mark.focus({ preventScroll: true });
  mark.scrollIntoView({ block: "center" });
}

export function evidenceOf(card) {
  return all("a.quote", card).map((link) => document.querySelector(link.hash)).filter(Boolean);
}

export function goBack() {
  const card = document.getElementById(origin ?? "") ?? chosenCard();
  if (card) goToCard(card);
}

export function goToCard(card) {
  const fold = card.closest("details.fold");
  if (fold) fold.open = true;
  showPart("codes");
  choose(card);
  card.focus({ preventScroll: true });
  card.scrollIntoView({ block: "nearest" });
}

function goToCodes(mark) {
  const cards = codesOf(mark).map((code) => document.querySelector(`.card[data-code="${code}"]`)).filter(Boolean);
  if (!cards.length) return goToMentions(mark);
  const back = cards.find((card) => card.id === origin);
  goToCard(back ?? cards[0]);
  origin = null;
  for (const card of cards) card.classList.add("lit");
  trace(mark, `These words support ${codesOf(mark).join(" and ")}.`);
}

function goToMentions(mark) {
  const mentions = document.getElementById("mentioned");
  mentions.open = true;
  showPart("codes");
  mentions.scrollIntoView({ block: "nearest" });
  mentions.querySelector("summary").focus({ preventScroll: true });
  trace(mark, "These words are mentioned, not coded.");
}

function trace(mark, words) {
  const bar = document.getElementById("trace");
  bar.querySelector("[data-says]").textContent = words;
  bar.querySelector("a").hash = mark.id;
  bar.hidden = false;
  document.getElementById("said").textContent = words;
}

export function endTrace() {
  document.getElementById("trace").hidden = true;
  for (const card of all(".card.lit")) card.classList.remove("lit");
}

// How far the reviewer is, shown in the text: read from the cards, which are replaced one by one.
export function paintMarks() {
  const states = new Map(all(".card[data-code]").map((card) => [card.dataset.code, card.dataset.state]));
  for (const mark of all("mark[data-codes]")) {
    const found = codesOf(mark).map((code) => states.get(code)).filter(Boolean);
    if (found.includes("accepted")) mark.dataset.state = "accepted";
    else if (found.length && found.every((state) => state === "rejected")) mark.dataset.state = "rejected";
    else delete mark.dataset.state;
  }
}

// Which card leads the claim: any decision may change it, and only the decided card is replaced.
export function paintFirst() {
  const first = document.querySelector("#claim [data-rank='1']")?.dataset.code;
  for (const card of all(".card[data-code]")) card.classList.toggle("first", card.dataset.code === first);
}

function clicked(event) {
  if (isElsewhere(event.target)) endTrace();
  const link = event.target.closest("a[href^='#']");
  const mark = event.target.closest("mark[data-codes]");
  if (mark) {
    event.preventDefault();
    goToCodes(mark);
  } else if (link?.matches("a.quote") && link.closest(".card")) {
    event.preventDefault();
    goToMark(document.querySelector(link.hash), link.closest(".card"));
  } else if (link?.closest("#trace")) {
    event.preventDefault();
    showPart("notes");
    const text = document.querySelector(link.hash);
    text.focus({ preventScroll: true });
    text.scrollIntoView({ block: "center" });
    endTrace();
  } else if (link?.closest(".claim")) {
    event.preventDefault();
    const card = document.querySelector(link.hash);
    if (card) goToCard(card);
  } else if (link) {
    event.preventDefault();
    if (link.closest(".tabs")) location.replace(link.hash);
    else document.querySelector(link.hash)?.scrollIntoView();
    document.querySelector(link.hash)?.focus({ preventScroll: true });
  } else {
    const card = event.target.closest(".card");
    if (card) clickedOn(card, event.target);
  }
}

// Neither on a card nor on the bar that says which words the cards support.
const isElsewhere = (element) => !element.closest?.(".card, .trace");

const CONTROL = "button, summary, select, label, input, textarea";

function clickedOn(card, target) {
  if (!target.closest(CONTROL)) {
    // A press on a button that is let go beside it chooses nothing: the button, not the card, has the focus then.
    if (!document.activeElement.matches(CONTROL) || !card.contains(document.activeElement)) choose(card, { show: true });
  } else if (card !== chosenCard()) choose(card);
}

// From mouse down to mouse up nothing is chosen and no bar goes: what is pressed must stay where it is until it is let go.
let pressing = false;

function followPress() {
  document.addEventListener("mousedown", () => { pressing = true; }, { capture: true });
  for (const end of ["mouseup", "dragend"]) document.addEventListener(end, () => { pressing = false; }, { capture: true });
}

export function followEvidence() {
  followPress();
  document.addEventListener("click", clicked);
  document.body.addEventListener("htmx:afterRequest", told);
  document.addEventListener("focusin", (event) => {
    const card = event.target.closest?.(".card");
    if (card && card !== chosenCard() && !pressing) choose(card);
    if (isElsewhere(event.target) && !pressing) endTrace();
  });
}
