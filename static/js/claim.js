// The order of the claim: by keys and by drag; what was present on admission. The buttons in each row work without it.

const rowOf = (code) => document.querySelector(`#claim li[data-code="${code}"]`);

export function move(code, way) {
  rowOf(code)?.querySelector(`[data-move="${way}"]`)?.click();
}

let dragged = null;

function drop(row, event) {
  const box = row.getBoundingClientRect();
  const after = event.clientY > box.top + box.height / 2;
  const before = after ? row.nextElementSibling : row;
  if (before === dragged || before === dragged.nextElementSibling) return; // it stands there
  const form = document.getElementById("move");
  form.elements.code.value = dragged.dataset.code;
  form.elements.action.value = `move:${before?.dataset.code ?? ""}`;
  form.requestSubmit();
}

let waiting = 0; // words on admission that are chosen and not sent yet: each waits for the answer to the one before

function sayAdmission({ target }) {
  if (!target.matches("#claim [name=poa]")) return;
  const { code } = target.closest("li").dataset;
  const form = document.getElementById("move"); // stays where it is, while the rows are drawn anew by each answer
  waiting += 1;
  htmx.ajax("POST", form.getAttribute("action"), { source: form, swap: "outerHTML", values: { action: "poa", code, poa: target.value } });
}

function sent({ detail }) {
  if (detail.requestConfig.parameters.action === "poa") waiting -= 1;
}

// An answer that is behind what was chosen since is not drawn over it; the last one draws it all.
function drawing({ detail }) {
  if (detail.target.id === "claim" && waiting > 0) detail.shouldSwap = false;
}

export function followClaim() {
  document.addEventListener("change", sayAdmission);
  document.body.addEventListener("htmx:beforeRequest", sent);
  document.body.addEventListener("htmx:oobBeforeSwap", drawing);
  document.body.addEventListener("htmx:afterSwap", ({ detail }) => { if (detail.target.id === "work") waiting = 0; });
  document.addEventListener("dragstart", ({ target }) => { dragged = target.closest?.("#claim li") ?? null; });
  document.addEventListener("dragover", (event) => {
    if (dragged && event.target.closest("#claim li")) event.preventDefault();
  });
  document.addEventListener("drop", (event) => {
    const row = event.target.closest("#claim li");
    if (dragged && row) {
      event.preventDefault();
      drop(row, event);
    }
    dragged = null;
  });
}
