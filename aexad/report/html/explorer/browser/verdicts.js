// Verdicts: an image is called anomalous when its score is above a threshold of its run. The slider
// sets the share of good images that may be: scores of two methods are then cut alike.
const OFF = -1; // position of a slider that is not used

const thresholds = new WeakMap();

/** The score that at most this share (percent) of a run's good test images exceeds. */
function thresholdOf(group, run, percent) {
  if (!thresholds.has(run)) {
    const photos = DATA.photographs[`${group.dataset}/${group.category}`];
    const good = run.score.filter((_, i) => photos[group.photographs[i]].defect === DATA.good);
    thresholds.set(run, good.sort((x, y) => y - x));
  }
  const good = thresholds.get(run);
  return good[Math.min(Math.floor((percent * good.length) / 100), good.length - 1)];
}

/** Whether a method calls an image anomalous; null without a score or without good images. */
function verdictOf(item, method, alarms) {
  const run = item.group.runs[method];
  if (alarms === OFF || !run) return null;
  const threshold = thresholdOf(item.group, run, alarms);
  return threshold === undefined ? null : run.score[item.i] > threshold;
}

const isDefect = (item) => item.photo.defect !== DATA.good;

/** Which verdicts are shown: [value, label, test of an item and a choice]. */
const VERDICTS = [
  ["", "all images", () => true],
  ["missed", "defects that A misses", (item, { a, alarms }) => isDefect(item) && verdictOf(item, a, alarms) === false],
  ["found", "defects that A finds", (item, { a, alarms }) => isDefect(item) && verdictOf(item, a, alarms) === true],
  ["alarm", "false alarms of A", (item, { a, alarms }) => !isDefect(item) && verdictOf(item, a, alarms) === true],
  ["differ", "A and B disagree", (item, { a, b, alarms }) => {
    const [first, second] = [verdictOf(item, a, alarms), verdictOf(item, b, alarms)];
    return first !== null && second !== null && first !== second;
  }],
];

/** A sentence: what a method finds, misses and calls anomalous by mistake, of these images. */
function confusionOf(items, method, letter, alarms) {
  const judged = items.filter((item) => verdictOf(item, method, alarms) !== null);
  const defects = judged.filter(isDefect), good = judged.filter((item) => !isDefect(item));
  const called = (some) => some.filter((item) => verdictOf(item, method, alarms)).length;
  return `${letter} finds ${called(defects)} of ${defects.length} defects and calls ${called(good)} of ${good.length} good images anomalous.`;
}

/** Sentences about the verdicts of both methods; empty without a threshold. */
function verdictsOf(items, choice) {
  if (choice.alarms === OFF) return "";
  const sides = [[choice.a, "A"], [choice.b, "B"]].filter(([method]) => method !== "");
  return sides.map(([method, letter]) => confusionOf(items, method, letter, choice.alarms)).join(" ");
}

// The binary map at any threshold: a filter of the page turns the colours of heat maps, which grow
// in brightness, into white and black. The pictures themselves cannot be read from a file.
const cutFilter = byId("cut").querySelectorAll("feFuncR, feFuncG, feFuncB");

function showCut(cut) {
  document.body.classList.toggle("cut", cut !== OFF);
  if (cut === OFF) return;
  const place = ((cut - DATA.deviations[0]) / (DATA.deviations[1] - DATA.deviations[0])) * (DATA.brightness.length - 1);
  const low = Math.floor(place), high = Math.min(low + 1, DATA.brightness.length - 1);
  const level = DATA.brightness[low] + (place - low) * (DATA.brightness[high] - DATA.brightness[low]);
  for (const part of cutFilter) {
    part.setAttribute("slope", "1000");
    part.setAttribute("intercept", String(-1000 * level));
  }
}
