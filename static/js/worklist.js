// Keys of the worklist, as chosen on the review page: off inside fields, and where the person switched them off.
import { actOf, keysOn, showKeys } from "./keys-kept.js";

const rows = [...document.querySelectorAll("[data-row]")];

function reach(row) {
  return row.querySelector("a, summary");
}

function step(by) {
  const at = rows.findIndex((row) => row.contains(document.activeElement));
  const next = rows[Math.min(Math.max(at + by, 0), rows.length - 1)];
  if (next) reach(next).focus();
}

const ACTS = { j: () => step(1), k: () => step(-1), f: () => document.getElementById("state").focus() };

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || !keysOn()) return;
  if (event.target.closest("input, select, textarea")) return;
  const act = actOf(event.key, ACTS);
  if (!act) return;
  event.preventDefault();
  ACTS[act]();
});

document.body.classList.toggle("keys-off", !keysOn());
showKeys();
