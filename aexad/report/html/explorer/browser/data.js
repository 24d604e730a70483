"use strict";
// The data of the page; aexad/report/html/explorer/contents.py describes it.
const DATA = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);

/** Make an element with properties, attributes (names with a hyphen, and scope) and children. */
function made(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "scope") element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children);
  return element;
}

/** The values by which images can be sorted: the metrics, and the rank of the score. */
const MEASURES = { ...DATA.metrics, rank: "score rank" };

/** The value of an image under a method, or null if there is none. */
function valueOf(item, method, name) {
  const run = item.group.runs[method];
  if (!run) return null;
  return name === "rank" ? ranksOf(run)[item.i] : run[name][item.i];
}

const ranks = new WeakMap();

/** The share of the other images of a run with a lower score; an equal score counts half. */
function ranksOf(run) {
  if (!ranks.has(run)) {
    const sorted = Float64Array.from(run.score).sort();
    const others = Math.max(sorted.length - 1, 1);
    ranks.set(run, run.score.map((score) => (sorted.indexOf(score) + sorted.lastIndexOf(score)) / 2 / others));
  }
  return ranks.get(run);
}

/** All images of a choice: {group, i: position in the group, photo, key}. */
function itemsOf(choice) {
  const items = [];
  for (const group of groupsOf(choice, ["dataset", "scenario", "seed", "category"])) {
    const photos = DATA.photographs[`${group.dataset}/${group.category}`];
    group.photographs.forEach((position, i) => {
      const photo = photos[position];
      if (isChosen(photo.defect, choice.defect)) {
        items.push({ group, i, photo, key: `${group.category}:${photo.image}` });
      }
    });
  }
  return items;
}

/** The anomalous pixels of the defects of a choice, ascending. */
const areasOf = (choice) => itemsOf(choice).map((item) => item.photo.area).filter((area) => area > 0).sort((x, y) => x - y);

/** The images of a choice that have its size of defect and its verdict. */
function chosenItems(choice) {
  const [, , isShown] = VERDICTS.find(([value]) => value === choice.verdict);
  const items = itemsOf(choice).filter((item) => isShown(item, choice));
  if (choice.size === "") return items;
  const areas = areasOf(choice), third = Number(choice.size);
  const edges = [0, 1, 2, 3].map((i) => areas[Math.min(Math.round((i * areas.length) / 3), areas.length - 1)]);
  return items.filter(({ photo: { area } }) => area > 0 && area >= edges[third] && (third === 2 || area < edges[third + 1]));
}

/** The groups that match the choice in these keys; an empty choice matches all. */
function groupsOf(choice, keys) {
  return DATA.groups.filter((group) =>
    keys.every((key) => choice[key] === "" || String(group[key]) === choice[key]));
}

const ANOMALOUS = "*"; // no folder, and so no defect, has that name

function isChosen(defect, chosen) {
  return chosen === "" || defect === chosen || (chosen === ANOMALOUS && defect !== DATA.good);
}
