// What this page knows of dashboards. Each panel is handed out as something that notes what is read of it: an option
// that nobody has read, or whose value nobody knows, would be missing from the picture, and is complained about.

// Changes nothing that a picture could show: where the data are (whoever took the answers has heeded it) and what only
// happens under a pointer.
const NOT_DRAWN = [
  /^id$/, /(^|\.)datasource\./, /^targets\.\d+\.(expr|editorMode|range|instant)$/, /^options\.tooltip\./,
  /^fieldConfig\.defaults\.custom\.filterable$/, /^fieldConfig\.defaults\.mappings\.\d+\.options\.[^.]+\.index$/,
  /^fieldConfig\.overrides\.\d+\.properties\.\d+\.value\.\d+\.options\.[^.]+\.index$/,
  /^options\.color\.exponent$/,  // of a heatmap: for the mode "opacity" alone
];

export class Unknown extends Error {}

// The meaning of a value; one that has none is an error.
export function meaning(what, value, meanings) {
  if (!Object.hasOwn(meanings, value)) throw new Unknown(`${what} is ${JSON.stringify(value)}, which isn't known`);
  return meanings[value];
}

// Where there is one value only that is drawn.
export function only(what, value, drawn) {
  if (value !== drawn) throw new Unknown(`${what} is ${JSON.stringify(value)}; only ${JSON.stringify(drawn)} is known`);
}

const isBranch = (value) => typeof value === "object" && value !== null;

function* leaves(value, path = []) {
  if (!isBranch(value)) yield path.join(".");
  else for (const [key, part] of Object.entries(value)) yield* leaves(part, [...path, key]);
}

export class Reading {
  #unread;

  constructor(value) {
    this.#unread = new Set(leaves(value));
    this.value = this.#noting(value, []);
  }

  #noting(value, path) {
    return new Proxy(value, {get: (object, key) => {
      const got = object[key];
      if (typeof key === "symbol" || typeof got === "function") return got;
      if (isBranch(got)) return this.#noting(got, [...path, key]);
      this.#unread.delete([...path, key].join("."));
      return got;
    }});
  }

  get unread() {
    return [...this.#unread].filter((path) => !NOT_DRAWN.some((pattern) => pattern.test(path)));
  }
}
