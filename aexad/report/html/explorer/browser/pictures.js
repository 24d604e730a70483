// A strip is a row of cells; an element shows one cell, so that each file is loaded once.
const addressOf = (...parts) => parts.map(encodeURIComponent).join("/");

function cell(address, column, columns, words) {
  const image = made("img", { className: "cell", alt: words, decoding: "async" });
  image.style.objectPosition = columns > 1 ? `${(100 * column) / (columns - 1)}% 0` : "0 0";
  image.src = address;
  return image;
}

const blank = (text) => made("span", { className: "cell blank" }, text);

function photographAddress(item) {
  const { dataset, category } = item.group;
  return addressOf("photographs", dataset, category, item.photo.name);
}

function inputCell(item, words) {
  return cell(photographAddress(item), 0, item.photo.mask ? 2 : 1, words);
}

function truthCell(item, words) {
  if (item.photo.mask) return cell(photographAddress(item), 1, 2, words);
  return blank(item.photo.defect === DATA.good ? "no defect" : "no mask");
}

function stepCell(item, method, step, words) {
  const { dataset, category, scenario, seed, runs, strips } = item.group;
  if (!(method in runs)) return blank("not run");
  const address = addressOf("strips", dataset, category, scenario, `seed${seed}`, method, strips[item.i]);
  const steps = DATA.steps[method];
  const picture = cell(address, steps.indexOf(step), steps.length, words);
  picture.classList.toggle("heat", step === "heat map");
  return picture;
}
