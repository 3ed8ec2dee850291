// Which key does what: as the pages say, until a person chooses other keys or none. Both are kept in this browser,
// where the EHR's frame allows it, and say nothing of a patient.

const KEYMAP = "chartside.keymap"; // by the pages' own key, the person's
const SWITCH = "chartside.keys"; // "off", or nothing

function stored(name) {
  try { return localStorage.getItem(name); } catch { return null; }
}

function store(name, value) {
  try { localStorage.setItem(name, value); } catch { /* lasts as long as the page, then */ }
}

function storedKeys() {
  try { return JSON.parse(stored(KEYMAP)) ?? {}; } catch { return {}; }
}

let chosen = storedKeys();
let on = stored(SWITCH) !== "off";

export const keys = () => chosen;
export const keysOn = () => on;
export const keyOf = (own) => chosen[own] ?? own;

export function keepKeys(all) {
  chosen = all;
  store(KEYMAP, JSON.stringify(all));
  showKeys();
}

export function switchKeys(value) {
  on = value;
  store(SWITCH, on ? "" : "off");
}

// The page's own key for the one that was pressed.
export function actOf(pressed, acts) {
  return Object.keys(acts).find((own) => keyOf(own) === pressed);
}

// Wherever a page names a key, it names the person's. The characters of a code are no such keys: they stay.
export function showKeys() {
  for (const hint of document.querySelectorAll("kbd:not([data-character])")) {
    hint.dataset.own ??= hint.textContent;
    const key = keyOf(hint.dataset.own);
    if (hint.textContent !== key) hint.textContent = key;
  }
}
