// A browser may show a page again as it was left, without asking the server (its back-forward cache, in some also for
// pages with `Cache-Control: no-store`). What was signed since must not look unsigned, so such a page is asked for anew.

window.addEventListener("pageshow", ({ persisted }) => {
  if (persisted) location.reload();
});
