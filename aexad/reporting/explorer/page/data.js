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

/** The method's number of an image, or null where there is none. */
const valueOf = (item, method, name) => item.group.runs[method]?.[name][item.i] ?? null;

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
