// The search field and its results as a combobox: the focus stays in the field, the arrow keys choose.
import Combobox from "../vendor/combobox-nav/combobox-nav.js";
import { openBook } from "./book.js";

const field = () => document.getElementById("words");
const list = () => document.querySelector("#results [role=listbox]");
const chosen = () => list()?.querySelector("[aria-selected=true]");
const results = () => document.getElementById("results");
let box = null;
let found = null; // the words that the results are of
let entered = null; // the words that Enter was pressed for before their results were there

function close() {
  box?.destroy();
  box = null;
}

function shown({ detail }) {
  if (detail.target?.id !== "results") return;
  close();
  found = detail.requestConfig.parameters.words;
  if (!list()) return;
  const only = list().children.length === 1; // highlighted at once: Enter adds it
  const firstOptionSelectionMode = only ? "selected" : "none";
  const scrollIntoViewOptions = { block: "nearest" };
  box = new Combobox(field(), list(), { tabInsertsSuggestions: false, firstOptionSelectionMode, scrollIntoViewOptions });
  box.start();
  if (!answersTheField() || entered !== found) return;
  entered = null;
  answerEnter(only);
}

// While an answer is under way, the results shown are those of words that no longer stand in the field.
function answersTheField() {
  return list() && field().value === found;
}

// Enter came before the results: it adds the code that was typed in full; anything else is looked at first.
function answerEnter(only) {
  const option = only && chosen();
  if (!option) return sayChoose();
  if (option.dataset.add?.replace(".", "") === found.trim().replace(".", "").toUpperCase()) option.click();
}

function sayChoose() {
  const words = results().querySelector("[data-choose]");
  if (!words) return;
  words.hidden = false;
  document.getElementById("said").textContent = words.textContent;
}

// The typed words and Enter both ask: what is shown already is not asked for a second time.
function askedAgain(event) {
  const { target, requestConfig } = event.detail;
  if (target?.id === "results" && list() && requestConfig.parameters.words === found) event.preventDefault();
}

function add(option) {
  const form = document.querySelector("[data-add-found]");
  const code = option.dataset.add;
  form.id = `r-c-${code.replace(".", "-")}`; // the answer replaces what stands beside the option of that name
  form.elements.code.value = code;
  option.setAttribute("aria-disabled", "true");
  form.requestSubmit();
}

function committed({ target }) {
  if (target.dataset.add) add(target);
  else if (target.dataset.wants) openBook(target.dataset.place);
}

function pressed(event) {
  if (event.target !== field()) return;
  if (event.key === "Enter" && !event.ctrlKey && !event.isComposing && !answersTheField()) {
    event.stopPropagation(); // the form asks; nothing that is still shown is chosen by it
    entered = event.altKey ? null : field().value;
  } else if (event.key === "Enter" && event.altKey && chosen()) {
    event.preventDefault();
    event.stopPropagation();
    openBook(chosen().dataset.place);
  } else if (event.key === "Enter" && !event.isComposing && !chosen()) {
    sayChoose();
  } else if (event.key === "Escape" && list()) {
    event.preventDefault(); // the words stay; a second time leaves the field
    event.stopPropagation();
    close();
    results().replaceChildren();
  }
}

export function followSearch() {
  document.addEventListener("keydown", pressed, { capture: true });
  document.addEventListener("input", ({ target }) => { if (target === field()) entered = null; });
  document.addEventListener("combobox-commit", committed);
  document.body.addEventListener("htmx:beforeRequest", askedAgain);
  document.body.addEventListener("htmx:afterSwap", shown);
}
