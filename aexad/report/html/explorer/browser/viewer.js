// One image: input, steps and truth under both methods, the heat maps of all others, the numbers.
const viewer = byId("viewer");
let goneBack = null; // while the browser goes back from an opened image: what ends it
let ready = Promise.resolve(); // kept once no going back is under way

function side(item, method, letter) {
  const words = (step) => `${step} of ${item.photo.label}, ${letter}`;
  const figure = (picture, caption) => made("figure", {}, picture, made("figcaption", {}, caption));
  const title = made("h3", {}, made("span", { className: letter.toLowerCase() }, letter), ` ${DATA.methods[method]}`);
  const steps = DATA.steps[method].map((step) => figure(stepCell(item, method, step, words(step)), step));
  return made("section", { "aria-label": `${letter}, ${DATA.methods[method]}` }, title, made("div", { className: "six" },
    figure(inputCell(item, `input ${item.photo.label}`), "input"),
    ...steps,
    figure(truthCell(item, `truth of ${item.photo.label}`), "truth")));
}

/** The heat map of every further method that ran on the image, with the value that images are sorted by. */
function othersOf(item, choice) {
  const others = Object.keys(DATA.methods).filter((name) => name in item.group.runs && name !== choice.a && name !== choice.b);
  const figures = others.map((name) => made("figure", {},
    stepCell(item, name, "heat map", `heat map of ${item.photo.label}, ${DATA.methods[name]}`),
    made("figcaption", {}, `${DATA.methods[name]}: ${MEASURES[choice.by]} ${written(item, name, choice.by)}`)));
  return figures.length ? [made("h3", {}, "Heat maps of the other methods"), made("div", { className: "six" }, ...figures)] : [];
}

function numbersOf(item, choice) {
  const column = (text) => made("th", { scope: "col" }, text);
  const compared = choice.b !== "";
  const head = [column("value"), column("A"), ...(compared ? [column("B"), column("A − B")] : [])];
  const rows = [...Object.entries(MEASURES), ["score", "score"], ["k", "filter k"]].map(([name, label]) => {
    const cells = [written(item, choice.a, name)];
    if (compared) cells.push(written(item, choice.b, name), name in MEASURES ? writtenDifference(item, choice, name) : "");
    return made("tr", {}, made("th", { scope: "row" }, label), ...cells.map((text) => made("td", {}, text)));
  });
  return [made("thead", {}, made("tr", {}, ...head)), made("tbody", {}, ...rows)];
}

/** Show the chosen image, or close the viewer if none is chosen. */
function showViewer(choice) {
  const position = shown.findIndex((item) => item.key === choice.image);
  if (position < 0) {
    if (viewer.open) viewer.close();
    return;
  }
  const item = shown[position];
  byId("viewer-title").textContent = `${item.group.category} ${item.photo.label} (${position + 1} of ${shown.length})`;
  const sides = [side(item, choice.a, "A")];
  if (choice.b !== "") sides.push(side(item, choice.b, "B"));
  byId("sides").replaceChildren(...sides);
  byId("others").replaceChildren(...othersOf(item, choice));
  byId("numbers").replaceChildren(...numbersOf(item, choice));
  if (!viewer.open) viewer.showModal();
}

/** Open the image at a position of the grid; the Back button of the browser closes it. */
async function openImage(position) {
  const { key } = shown[position];
  await ready;
  const address = toAddress({ ...fromAddress(), image: key });
  if (history.state?.opened) history.replaceState(history.state, "", address); // another image was just closed
  else history.pushState({ opened: true }, "", address);
  showViewer(fromAddress());
}

function moveBy(step) {
  const choice = fromAddress();
  const position = shown.findIndex((item) => item.key === choice.image);
  const next = shown[(position + step + shown.length) % shown.length];
  history.replaceState(history.state, "", toAddress({ ...choice, image: next.key }));
  showViewer(fromAddress());
}

byId("previous").addEventListener("click", () => moveBy(-1));
byId("next").addEventListener("click", () => moveBy(1));
byId("close").addEventListener("click", () => viewer.close());
viewer.addEventListener("click", (event) => {
  if (event.target === viewer) viewer.close(); // a click on the backdrop
});
viewer.addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (step === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  moveBy(step);
});

/** Leave the address of the opened image. What was chosen while the browser goes back is kept. */
function goBack() {
  ready = new Promise((resolve) => {
    goneBack = () => {
      goneBack = null;
      history.replaceState(null, "", toAddress({ ...fromForm(), image: "" }));
      resolve();
    };
  });
  history.back();
}

viewer.addEventListener("close", () => {
  if (viewer.open) return; // the browser reports a closing later, and the next image is open
  const choice = fromAddress();
  const position = shown.findIndex((item) => item.key === choice.image);
  if (position >= 0) goTo(position); // the last image seen, not the first
  if (history.state?.opened) goBack();
  else if (choice.image) history.replaceState(null, "", toAddress({ ...choice, image: "" }));
});
