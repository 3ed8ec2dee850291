// What the next code is for: words chosen in a note, or the place of another code. Any search or code book adds to it.
import { openBook } from "./book.js";
import { chosenCard, showPart } from "./evidence.js";

const byId = (id) => document.getElementById(id);
let aim = null; // what the next addition says beside its code

function aimAt(said, parameters) {
  aim = parameters;
  byId("aim").hidden = false;
  byId("aim").querySelector("[data-says]").textContent = said;
  byId("said").textContent = said;
}

function take(said, words, parameters) {
  aimAt(said, parameters);
  showPart("codes");
  const field = byId("words");
  field.value = words;
  field.focus();
  field.select();
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

export function endAim() {
  aim = null;
  if (byId("aim")) byId("aim").hidden = true;
}

const short = (words) => (words.length > 60 ? `${words.slice(0, 57)}…` : words).replaceAll(/\s+/g, " ");

// Offsets count characters as the server does, not the halves of which JavaScript makes some (UTF-16).
function offsetOf(text, node, at) {
  const range = document.createRange();
  range.setStart(text, 0);
  range.setEnd(node, at);
  return [...range.toString()].length;
}

function wordsOf(range) {
  const from = range.startContainer.parentElement?.closest(".text");
  const quote = range.toString();
  if (!from || !from.contains(range.endContainer) || !quote.trim()) return null;
  const lead = quote.length - quote.trimStart().length;
  const start = offsetOf(from, range.startContainer, range.startOffset) + lead;
  return { note: from.dataset.note, start, quote: quote.trim() };
}

function selected() {
  const selection = getSelection();
  return selection.rangeCount && !selection.isCollapsed ? wordsOf(selection.getRangeAt(0)) : null;
}

function wordsOfMark(mark) {
  const range = document.createRange();
  range.selectNodeContents(mark.querySelector("a").firstChild.nodeType === 1 ? mark.querySelector("b") : mark.querySelector("a"));
  return wordsOf(range);
}

function forWords(words) {
  const { note, start, quote } = words;
  take(`The next code is for “${short(quote)}”.`, short(quote).slice(0, 200), { note, start, quote });
}

// By keyboard: the selected words, the words of the mark that has the focus, or words typed as the note has them.
export function addForWords() {
  const mark = document.activeElement.closest("mark");
  const words = selected() ?? (mark && wordsOfMark(mark));
  if (words) return forWords(words);
  const box = byId("find-words");
  box.open = true;
  box.querySelector("input").focus();
}

function buildInstead(code) {
  aimAt(`The next code takes the place of ${code}.`, { instead_of: code, action: "edit" });
  openBook(code, "build");
}

export function addInstead(code) {
  take(`The next code takes the place of ${code}.`, "", { instead_of: code, action: "edit" });
}

function found(event) {
  const form = event.target.closest("[data-find-words]");
  if (!form) return;
  event.preventDefault();
  const wanted = form.elements.find.value.trim();
  for (const text of wanted ? document.querySelectorAll(".text") : []) {
    const at = text.textContent.toLowerCase().indexOf(wanted.toLowerCase());
    if (at < 0) continue;
    const quote = text.textContent.slice(at, at + wanted.length);
    byId("find-words").open = false;
    return forWords({ note: text.dataset.note, start: [...text.textContent.slice(0, at)].length, quote });
  }
  form.querySelector("[role=status]").textContent = "No note says this. Type the words as they stand there.";
}

// The bar that offers to add appears beside the words, and goes with them.
function selecting() {
  const words = selected();
  const bar = byId("chosen");
  if (!bar) return;
  bar.hidden = !words;
  if (words) bar.querySelector("q").textContent = short(words.quote);
}

function configure({ detail }) {
  const { parameters } = detail;
  if (!aim || parameters.action !== "add") return;
  for (const [name, value] of Object.entries(aim)) parameters[name] = value;
}

function decided({ detail }) {
  if (detail.successful && aim && detail.requestConfig.parameters.action === (aim.action ?? "add")) endAim();
}

function clicked({ target }) {
  if (target.closest("[data-aim-end]")) {
    endAim();
    byId("words").focus();
  } else if (target.closest("[data-aim-words]")) addForWords();
  else if (target.closest("[data-aim-build]")) buildInstead(target.closest(".card").dataset.code);
  else if (target.closest("[data-aim-instead]")) addInstead(chosenCard()?.dataset.code ?? target.closest(".card").dataset.code);
}

export function followAim() {
  document.addEventListener("click", clicked);
  document.addEventListener("submit", found);
  document.addEventListener("selectionchange", selecting);
  document.body.addEventListener("htmx:configRequest", configure);
  document.body.addEventListener("htmx:afterRequest", decided);
}
