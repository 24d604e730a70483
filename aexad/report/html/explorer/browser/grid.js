// The images as a grid of buttons: arrow keys move between them, and Tab leaves the grid.
const grid = byId("grid");
let shown = []; // the images, in the order of the grid
let gridChoice = {}; // the choice that the grid shows
let current = 0; // position of the image that Tab reaches

function nameOf(item, choice) {
  return choice.category === "" ? `${item.group.category} ${item.photo.label}` : item.photo.label;
}

/** The four pictures of a card. */
function picturesOf(item, choice) {
  const side = (letter, method) => made("span", { className: "side", "data-side": letter }, stepCell(item, method, "heat map", ""));
  const last = choice.b === "" ? stepCell(item, choice.a, "binary", "") : side("B", choice.b);
  return [inputCell(item, ""), truthCell(item, ""), side("A", choice.a), last];
}

// Only cards near the screen load their pictures: thousands of pictures would take seconds.
const near = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) continue;
    near.unobserve(target);
    target.querySelector(".four").append(...picturesOf(shown[[...grid.children].indexOf(target)], gridChoice));
  }
}, { rootMargin: "50%" });

/** What each method's verdict means for an image, for a card; empty without a threshold. */
function verdictWords(item, choice) {
  const word = isDefect(item) ? { true: "found", false: "missed", null: "–" } : { true: "false alarm", false: "good", null: "–" };
  return [[choice.a, "a"], [choice.b, "b"]]
    .filter(([method]) => method !== "" && choice.alarms !== OFF)
    .map(([method, letter]) => made("span", { className: letter }, word[verdictOf(item, method, choice.alarms)]));
}

function card(item, choice) {
  const label = MEASURES[choice.by], a = written(item, choice.a, choice.by);
  const values = made("span", { className: "values" }, `${label} `, made("span", { className: "a" }, a));
  let words = `${nameOf(item, choice)}, ${label} ${a}`;
  if (choice.b !== "") {
    const b = written(item, choice.b, choice.by), difference = writtenDifference(item, choice, choice.by);
    values.append(" · ", made("span", { className: "b" }, b), ` · ${difference}`);
    words += ` of A, ${b} of B, difference ${difference}`;
  }
  const verdicts = verdictWords(item, choice);
  if (verdicts.length) {
    values.append(made("br"), ...verdicts.flatMap((each, i) => (i ? [" · ", each] : [each])));
    words += `, ${verdicts.map((each) => each.textContent).join(" and ")}`;
  }
  return made("li", {}, made("button", { type: "button", className: "card", tabIndex: -1, "aria-label": words, "aria-haspopup": "dialog" },
    made("span", { className: "four" }),
    made("span", { className: "name" }, nameOf(item, choice)),
    values));
}

function showGrid(choice) {
  gridChoice = choice;
  shown = sorted(chosenItems(choice), choice);
  showCut(choice.cut);
  near.disconnect();
  grid.replaceChildren(...shown.map((item) => card(item, choice)));
  for (const each of grid.children) near.observe(each);
  byId("status").textContent = [summaryOf(shown, choice), verdictsOf(shown, choice)].filter(Boolean).join(" ");
  byId("key").textContent = choice.b === ""
    ? "Each card: input, truth; heat map, binary map."
    : `Each card: input, truth; heat map of A, heat map of B; ${MEASURES[choice.by]} of A, of B, and A − B.`;
  current = 0;
  if (shown.length) buttonAt(0).tabIndex = 0;
}

const buttonAt = (position) => grid.children[position].firstElementChild;

function goTo(position) {
  buttonAt(current).tabIndex = -1;
  current = position;
  buttonAt(current).tabIndex = 0;
  buttonAt(current).focus();
}

function columnCount() {
  return getComputedStyle(grid).gridTemplateColumns.split(" ").length;
}

/** The position that a key leads to from the current image, or undefined. */
function positionAfter(key) {
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columnCount(), ArrowDown: columnCount() };
  if (key === "Home") return 0;
  if (key === "End") return shown.length - 1;
  const position = current + steps[key];
  return position >= 0 && position < shown.length ? position : undefined;
}

grid.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || !shown.length) return;
  const position = positionAfter(event.key);
  if (position === undefined) return;
  event.preventDefault();
  goTo(position);
});

grid.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button) openImage([...grid.children].indexOf(button.parentElement));
});
