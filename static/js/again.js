// A page that could not be shown for the moment asks again by itself, while somebody looks at it.
const wait = 1000 * Number(document.querySelector("[data-again]").dataset.again);

function again() {
  if (document.hidden) document.addEventListener("visibilitychange", again, { once: true });
  else location.reload();
}

setTimeout(again, wait * (0.8 + 0.4 * Math.random()));
