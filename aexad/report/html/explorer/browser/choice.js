// The choice: one object, stored in the address of the page and shown by the form.
const KEYS = ["dataset", "category", "defect", "scenario", "seed", "a", "b", "by", "of", "order", "size", "verdict"];
const SLIDERS = ["alarms", "cut"];
const form = byId("choice");

const distinct = (values) => [...new Set(values)].map((value) => [String(value), String(value)]);

/** The options of each key, given the keys before it: [value, label] pairs, the default first. */
const OPTIONS = {
  dataset: () => Object.entries(DATA.datasets),
  scenario: (choice) => distinct(groupsOf(choice, ["dataset"]).map((group) => group.scenario)),
  seed: (choice) => distinct(groupsOf(choice, ["dataset", "scenario"]).map((group) => group.seed)),
  category: (choice) => {
    const groups = groupsOf(choice, ["dataset", "scenario", "seed"]);
    const names = distinct(groups.map((group) => group.category));
    return names.length > 1 ? [["", "all"], ...names] : names;
  },
  defect: (choice) => {
    const names = distinct(itemsOf({ ...choice, defect: "" }).map((item) => item.photo.defect)).sort();
    return [["", "all images"], [ANOMALOUS, "all defects"], ...names];
  },
  a: (choice) => methodsOf(choice),
  b: (choice) => {
    const others = methodsOf(choice).filter(([name]) => name !== choice.a);
    return [...others, ["", "none"]];
  },
  by: (choice) => { // values that some image has: without masks, only the score
    const items = itemsOf(choice);
    return Object.entries(MEASURES)
      .filter(([name]) => items.some((item) => valueOf(item, choice.a, name) !== null));
  },
  of: (choice) => (choice.b === "" ? [["a", "A"]]
    : [["distance", "|A − B|, the gap"], ["difference", "A − B"], ["a", "A"], ["b", "B"]]),
  order: () => [["highest", "highest first"], ["lowest", "lowest first"]],
  size: (choice) => (areasOf(choice).length < 3 ? [["", "all"]]
    : [["", "all"], ["0", "smallest third"], ["1", "middle third"], ["2", "largest third"]]),
  verdict: (choice) => (choice.alarms === OFF ? [["", "all images"]]
    : VERDICTS.filter(([value]) => value !== "differ" || choice.b !== "").map(([value, label]) => [value, label])),
};

function methodsOf(choice) {
  const groups = groupsOf(choice, ["dataset", "scenario", "seed", "category"]);
  const names = new Set(groups.flatMap((group) => Object.keys(group.runs)));
  return Object.entries(DATA.methods).filter(([name]) => names.has(name));
}

/** The nearest possible choice: an impossible value is replaced by the default. */
function possible(wanted) {
  const choice = { image: wanted.image ?? "" };
  for (const key of SLIDERS) {
    const { min, max } = form.elements[key], value = Number(wanted[key] ?? OFF);
    choice[key] = Number.isFinite(value) ? Math.min(Math.max(value, Number(min)), Number(max)) : OFF;
  }
  for (const key of Object.keys(OPTIONS)) {
    const values = OPTIONS[key](choice).map(([value]) => value);
    choice[key] = values.includes(wanted[key]) ? wanted[key] : values[0];
  }
  return choice;
}

const fromAddress = () => possible(Object.fromEntries(new URLSearchParams(location.hash.slice(1))));

function toAddress(choice) {
  const values = KEYS.map((key) => [key, choice[key]]);
  for (const key of SLIDERS) if (choice[key] !== OFF) values.push([key, choice[key]]);
  if (choice.image) values.push(["image", choice.image]);
  return `#${new URLSearchParams(values)}`;
}

const fromForm = () => possible(Object.fromEntries(new FormData(form)));

function showForm(choice) {
  for (const key of KEYS) {
    const select = form.elements[key], options = OPTIONS[key](choice);
    select.replaceChildren(...options.map(([value, label]) => new Option(label, value)));
    select.value = choice[key];
    const fixed = ["scenario", "seed", "size", "verdict"].includes(key) && options.length < 2;
    select.closest("label").hidden = fixed;
  }
  for (const key of SLIDERS) form.elements[key].value = choice[key];
  byId("alarms-value").textContent = choice.alarms === OFF ? "no verdicts" : `${choice.alarms} %`;
  byId("cut-value").textContent = choice.cut === OFF ? "not cut" : `a = ${choice.cut}`;
}
