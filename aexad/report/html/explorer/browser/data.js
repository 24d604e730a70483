"use strict";
// What the page knows; aexad/reporting/explorer/contents.py says what is in it.
const DATA = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);

/** Make an element with properties, attributes (those with a hyphen or named role) and children. */
function made(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "scope") element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children);
  return element;
}

/** What images can be sorted by: the metrics, and the rank of their score. */
const MEASURES = { ...DATA.metrics, rank: "score rank" };

/** The method's number of an image, or null where there is none. */
function valueOf(item, method, name) {
  const run = item.group.runs[method];
  if (!run) return null;
  return name === "rank" ? ranksOf(run)[item.i] : run[name][item.i];
}

const ranks = new WeakMap();

/** The shares of the other images of a run that have a lower score; of equal ones, half. */
function ranksOf(run) {
  if (!ranks.has(run)) {
    const sorted = Float64Array.from(run.score).sort();
    const others = Math.max(sorted.length - 1, 1);
    ranks.set(run, run.score.map((score) => (sorted.indexOf(score) + sorted.lastIndexOf(score)) / 2 / others));
  }
  return ranks.get(run);
}

/** All images of a choice: {group, i: place in the group, photo, key}. */
function itemsOf(choice) {
  const items = [];
  for (const group of groupsOf(choice, ["dataset", "scenario", "seed", "category"])) {
    const photos = DATA.photographs[`${group.dataset}/${group.category}`];
    group.photographs.forEach((place, i) => {
      const photo = photos[place];
      if (isChosen(photo.defect, choice.defect)) {
        items.push({ group, i, photo, key: `${group.category}:${photo.image}` });
      }
    });
  }
  return items;
}

/** The groups that agree with the choice in these keys; an empty choice agrees with all. */
function groupsOf(choice, keys) {
  return DATA.groups.filter((group) =>
    keys.every((key) => choice[key] === "" || String(group[key]) === choice[key]));
}

const ANOMALOUS = "*"; // no folder, so no defect, has that name

function isChosen(defect, chosen) {
  return chosen === "" || defect === chosen || (chosen === ANOMALOUS && defect !== DATA.good);
}
