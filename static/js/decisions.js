// Around each decision: the version it is made from, where the focus stays, and what to say when it did not arrive.
import { choose, chosenCard, forgetMarks, paintFirst, paintMarks } from "./evidence.js";

const byId = (id) => document.getElementById(id);
let kept = null; // what a swap must not lose

function useNewestVersion(event) {
  const { parameters } = event.detail;
  if (parameters.version !== undefined) parameters.version = byId("tally").dataset.version;
}

const topOf = (element) => element.getBoundingClientRect().top;

function remember(event) {
  const { target, requestConfig } = event.detail;
  const active = document.activeElement;
  const card = requestConfig.elt.closest(".card") ?? active.closest(".card");
  const row = active.closest("#claim li");
  const ahead = chosenCard();
  kept = {
    ahead: card && ahead && ahead !== card ? { id: ahead.id, top: topOf(ahead) } : null,
    chosen: ahead?.id,
    card: card?.contains(active) ? card.id : null,
    own: Boolean(requestConfig.elt.closest(".card")),
    onCard: active === card,
    inResults: Boolean(requestConfig.elt.closest(".results")),
    mention: requestConfig.elt.closest("#mentioned li"),
    inClaim: Boolean(requestConfig.elt.closest("#claim, #move")),
    row: row ? { code: row.dataset.code, of: active.dataset.move ?? active.name } : null,
    inTally: Boolean(active.closest("#tally")),
    scroll: target.id === "work" ? ["notes", "codes"].map((id) => [id, byId(id).scrollTop]) : [],
  };
}

// The row of the claim that was worked on, wherever it is now; on the same button while it has one.
function controlOf({ code, of }) {
  const row = document.querySelector(`#claim li[data-code="${code}"]`);
  return row?.querySelector(`[data-move="${of}"], [name="${of}"]`) ?? row?.querySelector("a");
}

function restore() {
  forgetMarks();
  paintMarks();
  paintFirst();
  if (!kept) return;
  if (kept.scroll.length && location.hash === "#notes") location.replace("#notes");
  for (const [id, top] of kept.scroll) byId(id).scrollTo({ top, behavior: "instant" });
  const chosen = !chosenCard() && kept.chosen && byId(kept.chosen); // replaced while the focus was elsewhere
  if (chosen) choose(chosen);
  const ahead = kept.ahead && byId(kept.ahead.id); // the decided card grew or shrank above the one being read
  if (ahead) ahead.closest(".pane").scrollBy({ top: topOf(ahead) - kept.ahead.top, behavior: "instant" });
  const card = kept.card && byId(kept.card);
  if (card) {
    if (kept.own) choose(card);
    const button = card.querySelector(".verdict button, .acts button");
    // Only where the swap took the focus away: who has gone on to another field stays there.
    if (document.activeElement === document.body) (kept.onCard || !button ? card : button).focus({ preventScroll: true });
  } else if (document.activeElement === document.body && (kept.inClaim || kept.row)) {
    ((kept.row && controlOf(kept.row)) ?? byId("claim")).focus({ preventScroll: true });
  } else if (document.activeElement === document.body && kept.mention) {
    kept.mention.focus({ preventScroll: true });
  } else if (document.activeElement === document.body && kept.inTally) {
    (document.querySelector("#tally a") ?? byId("codes")).focus({ preventScroll: true });
  } else if (document.activeElement === document.body && (kept.card || kept.inResults)) {
    (byId("words") ?? byId("codes")).focus({ preventScroll: true });
  }
  kept = null;
}

function sayOffline(event) {
  if (event.detail.elt.id === "since") return; // a look at the EHR's notes: nobody asked for it, nothing is lost
  const notice = byId("notice");
  if (!notice.querySelector("[data-offline]")) {
    notice.replaceChildren(byId("offline").content.cloneNode(true));
    notice.firstElementChild.dataset.offline = "";
  }
}

function failed(event) {
  if (event.detail.elt.id === "progress") event.detail.elt.remove(); // asks no more; the notice says why
}

export function followDecisions() {
  const { body } = document;
  body.addEventListener("htmx:configRequest", useNewestVersion);
  body.addEventListener("htmx:beforeSwap", remember);
  body.addEventListener("htmx:afterSwap", restore);
  body.addEventListener("htmx:sendError", sayOffline);
  body.addEventListener("htmx:responseError", failed);
}
