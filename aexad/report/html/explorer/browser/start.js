// The address is the state: whenever it changes, the page follows.
let gridOf = ""; // address of the choice that the grid shows

function follow() {
  const choice = fromAddress();
  const grid = toAddress({ ...choice, image: "" });
  if (grid !== gridOf) {
    gridOf = grid;
    showForm(choice);
    showGrid(choice);
  }
  showViewer(choice);
}

form.addEventListener("input", (event) => {
  if (event.target.type !== "range") return;
  history.replaceState(null, "", toAddress({ ...fromForm(), image: "" }));
  follow();
});
form.addEventListener("change", () => {
  history.replaceState(null, "", toAddress({ ...fromForm(), image: "" }));
  follow();
});
addEventListener("popstate", () => { // Back or Forward, or another address
  goneBack?.();
  follow();
});
history.replaceState(history.state, "", toAddress(fromAddress()));
follow();
