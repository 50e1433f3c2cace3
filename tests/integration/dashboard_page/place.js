// Where things stand on the page.

export function append(parent, kind, name = "", text = "") {
  const element = document.createElement(kind);
  if (name) element.className = name;
  if (text) element.textContent = text;
  parent.append(element);
  return element;
}

export const clock = (unixSeconds) => new Date(unixSeconds * 1000).toISOString().slice(11, 19);

// Grafana's: 24 columns, and lines of 30 pixels, 8 pixels apart.
const COLUMNS = 24, LINE = 30, GAP = 8;

export function placed(parent, {x, y, w, h}, name) {
  const element = append(parent, "section", name);
  const column = (parent.clientWidth + GAP) / COLUMNS;
  Object.assign(element.style, {left: `${x * column}px`, top: `${y * (LINE + GAP)}px`, width: `${w * column - GAP}px`,
                                height: `${h * (LINE + GAP) - GAP}px`});
  parent.style.height = `${Math.max(parent.clientHeight, (y + h) * (LINE + GAP))}px`;
  return element;
}
