// Says that the session is about to end, offers to stay, and clears the page when it is over (WCAG 2.2.1).

const WARN_BEFORE = 120; // seconds
const life = Number(document.body.dataset.idle);
const notice = document.getElementById("idle-notice");
let timers = [];

function warn() {
  notice.replaceChildren(document.getElementById("idle").content.cloneNode(true));
}

function restart() {
  notice.replaceChildren();
  timers.forEach(clearTimeout);
  const seconds = (n) => n * 1000;
  timers = [
    setTimeout(warn, seconds(Math.max(life - WARN_BEFORE, life / 2))),
    setTimeout(() => location.reload(), seconds(life + 5)), // the server says that the session has ended
  ];
}

async function stay(event) {
  const button = event.target.closest("[data-stay]");
  if (!button) return;
  event.preventDefault();
  event.stopPropagation();
  const answer = await fetch(button.dataset.stay).catch(() => null);
  if (!answer?.ok) return location.reload();
  restart();
}

document.addEventListener("click", stay, { capture: true });
document.body.addEventListener("htmx:afterRequest", restart);
restart();
