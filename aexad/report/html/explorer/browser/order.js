// The order of the images, and a summary of their values.
const MINUS = "\u2212";

function differenceOf(item, choice, by = choice.by) {
  const a = valueOf(item, choice.a, by), b = valueOf(item, choice.b, by);
  return a === null || b === null ? null : a - b;
}

function sortValue(item, choice) {
  if (choice.of === "a" || choice.of === "b") return valueOf(item, choice[choice.of], choice.by);
  const difference = differenceOf(item, choice);
  return choice.of === "distance" && difference !== null ? Math.abs(difference) : difference;
}

/** Sorted images: images without a value last, equal images in their original order. */
function sorted(items, choice) {
  const sign = choice.order === "lowest" ? 1 : -1;
  const valued = items.map((item) => [sortValue(item, choice), item]);
  valued.sort(([x], [y]) => (x === null || y === null ? (x === null) - (y === null) : sign * (x - y)));
  return valued.map(([, item]) => item);
}

const digits = (value, name) => (name === "rank" ? `${Math.round(100 * value)} %` : value.toFixed(3));

/** The value of an image as text. */
function written(item, method, name) {
  const value = valueOf(item, method, name);
  if (value === null) return "–";
  return name in MEASURES ? digits(value, name) : String(Number(value.toPrecision(3)));
}

function writtenDifference(item, choice, name) {
  const difference = differenceOf(item, choice, name);
  return difference === null ? "–" : `${difference < 0 ? MINUS : "+"}${digits(Math.abs(difference), name)}`;
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Sentences: the number of images, and the means over the images that have a value. */
function summaryOf(items, choice) {
  const counted = items.length === 1 ? "1 image" : `${items.length.toLocaleString("en")} images`;
  if (choice.by === "rank") return `${counted}.`; // the mean rank is always one half
  const label = MEASURES[choice.by], methods = [choice.a, choice.b].filter((method) => method !== "");
  const compared = items.filter((item) => methods.every((method) => valueOf(item, method, choice.by) !== null));
  if (!compared.length) return `${counted}; none has a value under both methods.`;
  const means = methods.map((method) => mean(compared.map((item) => valueOf(item, method, choice.by))).toFixed(3));
  const start = `${counted}, ${compared.length.toLocaleString("en")} with a defect to be found: mean ${label}`;
  if (methods.length === 1) return `${start} ${means[0]}.`;
  const differences = compared.map((item) => differenceOf(item, choice));
  const higher = differences.filter((value) => value > 0).length, lower = differences.filter((value) => value < 0).length;
  return `${start} ${means[0]} (A) and ${means[1]} (B). A is higher on ${higher}, B on ${lower}.`;
}
