// In which order, and what the numbers say of all images together.
const MINUS = "\u2212";
const ranks = new WeakMap();

/** The share of the other images of its run that have a lower score; of equal ones, half. */
function rankOf(item, method) {
  const run = item.group.runs[method];
  if (!run) return null;
  if (!ranks.has(run)) {
    const sorted = Float64Array.from(run.score).sort();
    const first = new Map(), last = new Map();
    sorted.forEach((score, place) => {
      if (!first.has(score)) first.set(score, place);
      last.set(score, place);
    });
    const others = Math.max(sorted.length - 1, 1);
    ranks.set(run, run.score.map((score) => (first.get(score) + last.get(score)) / 2 / others));
  }
  return ranks.get(run)[item.i];
}

/** What images are compared by: the metric, or for scores their rank. */
const comparable = (item, method, by) => (by === "score" ? rankOf(item, method) : valueOf(item, method, by));

function differenceOf(item, choice, by = choice.by) {
  const a = comparable(item, choice.a, by), b = choice.b === "" ? null : comparable(item, choice.b, by);
  return a === null || b === null ? null : a - b;
}

function sortValue(item, choice) {
  if (choice.of === "a" || choice.of === "b") return comparable(item, choice[choice.of], choice.by);
  const difference = differenceOf(item, choice);
  return choice.of === "distance" && difference !== null ? Math.abs(difference) : difference;
}

/** Sorted images; those without a value last, and equal ones as they came. */
function sorted(items, choice) {
  const sign = choice.order === "lowest" ? 1 : -1;
  const valued = items.map((item) => [sortValue(item, choice), item]);
  valued.sort(([x], [y]) => (x === null || y === null ? (x === null) - (y === null) : sign * (x - y)));
  return valued.map(([, item]) => item);
}

const share = (rank) => `${Math.round(100 * rank)} %`;

/** A number as it is read: three decimals of a metric, three digits of a score with its rank. */
function written(item, method, name) {
  const value = valueOf(item, method, name);
  if (value === null) return "–";
  if (name === "k") return String(value);
  if (name !== "score") return value.toFixed(3);
  return `${Number(value.toPrecision(3))} (rank ${share(rankOf(item, method))})`;
}

function writtenDifference(item, choice, name) {
  const difference = differenceOf(item, choice, name);
  if (difference === null) return "–";
  const size = Math.abs(difference);
  const digits = name === "score" ? share(size) : size.toFixed(3);
  return `${difference < 0 ? MINUS : "+"}${digits}`;
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** A sentence: how many images, and how the methods do on them. */
function summaryOf(items, choice) {
  const counted = items.length === 1 ? "1 image" : `${items.length.toLocaleString("en")} images`;
  if (choice.by === "score") return `${counted}.`;
  const label = DATA.metrics[choice.by];
  const both = items.map((item) => differenceOf(item, choice)).filter((value) => value !== null);
  if (choice.b === "") {
    const values = items.map((item) => valueOf(item, choice.a, choice.by)).filter((value) => value !== null);
    return values.length ? `${counted}; on ${values.length} with a value, mean ${label} ${mean(values).toFixed(3)}.` : `${counted}.`;
  }
  if (!both.length) return `${counted}; none has a ${label} under both methods.`;
  const compared = items.filter((item) => differenceOf(item, choice) !== null);
  const of = (method) => mean(compared.map((item) => valueOf(item, method, choice.by))).toFixed(3);
  const higher = both.filter((value) => value > 0).length, lower = both.filter((value) => value < 0).length;
  return `${counted}; on ${both.length} with a value, mean ${label} is ${of(choice.a)} of A and ${of(choice.b)} of B. `
    + `A is higher on ${higher}, B on ${lower}.`;
}
