// Copies the value beside the button. Without scripts the buttons are not shown; a click on a value selects all of it.

const said = document.getElementById("copied");

for (const button of document.querySelectorAll("[data-copy]")) {
  const words = [...button.childNodes].map((node) => node.cloneNode(true));
  button.addEventListener("click", async () => {
    const value = button.closest(".value").querySelector(".typed").textContent;
    try {
      await navigator.clipboard.writeText(value);
      said.textContent = value.length < 80 ? `Copied: ${value}` : "Copied.";
      button.firstChild.textContent = "Copied";
    } catch {
      said.textContent = "The browser did not allow it. Select the value and copy it with the keyboard.";
      button.firstChild.textContent = "Not allowed";
    }
    setTimeout(() => button.replaceChildren(...words.map((node) => node.cloneNode(true))), 2000);
  });
}
