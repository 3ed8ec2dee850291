// The list of keys, and the choice of others in their place.
import { keepKeys, keyOf, keys, showKeys } from "./keys-kept.js";

const TAKEN = ["?", " "]; // open this list, press what has the focus

const dialog = document.getElementById("shortcuts");
const said = document.getElementById("keys-said");
let asking = null; // the button whose new key is awaited

function wordsOf(button) {
  return button.closest("div").querySelector("dd").textContent;
}

function end(words) {
  asking?.removeAttribute("aria-pressed");
  asking = null;
  said.textContent = words;
}

function ask(button) {
  end(`Press the new key for “${wordsOf(button)}”. Esc leaves it as it is.`);
  asking = button;
  button.setAttribute("aria-pressed", "true");
}

function take(event) {
  if (!asking || ["Shift", "Control", "Alt", "Meta"].includes(event.key)) return;
  if (event.key === "Tab") return end("");
  event.preventDefault();
  event.stopPropagation();
  const { key } = event;
  if (key === "Escape") return end("It stays as it was.");
  if (key.length !== 1 || TAKEN.includes(key) || event.ctrlKey || event.altKey || event.metaKey) {
    said.textContent = "Press one letter, digit or sign.";
    return;
  }
  const other = [...dialog.querySelectorAll("[data-remap]")].find((b) => b !== asking && keyOf(b.dataset.remap) === key);
  if (other) {
    said.textContent = `${key} is the key for “${wordsOf(other)}”. Press another.`;
    return;
  }
  keepKeys({ ...keys(), [asking.dataset.remap]: key });
  end(`${key} is now the key for “${wordsOf(asking)}”.`);
}

function clicked({ target }) {
  const button = target.closest("[data-remap]");
  if (button) return ask(button);
  if (!target.closest("[data-keys-reset]")) return;
  keepKeys({});
  end("Every key is as it was at first.");
}

export function followKeymap() {
  dialog.addEventListener("click", clicked);
  dialog.addEventListener("keydown", take);
  dialog.addEventListener("close", () => end(""));
  document.body.addEventListener("htmx:afterSwap", showKeys);
  showKeys();
}
