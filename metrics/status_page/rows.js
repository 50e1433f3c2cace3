// Copies of the page's <template>s, of which only what has changed is written again, so that a button keeps the focus
// and a text its selection. Values only ever become text or an attribute's value, never markup.

const PLACE = /\{\{(\w+)\}\}/g;

function places(node, found = []) {
  for (const attribute of node.attributes ?? []) {
    if (attribute.value.includes("{{")) found.push({target: attribute, pattern: attribute.value});
  }
  for (const child of node.childNodes) {
    if (child.nodeType === Node.TEXT_NODE) {
      if (child.data.includes("{{")) found.push({target: child, pattern: child.data});
    } else {
      places(child, found);
    }
  }
  return found;
}

// An element made of a template; `update` fills in {name: value}.
export class Copy {
  #places;

  constructor(template) {
    const content = document.getElementById(template).content.cloneNode(true);
    this.#places = places(content);
    this.elements = [...content.children];
    this.element = this.elements[0];
  }

  update(values) {
    for (const {target, pattern} of this.#places) {
      const text = pattern.replace(PLACE, (_, name) => String(values[name] ?? ""));
      if (target.nodeType === Node.TEXT_NODE) {
        if (target.data !== text) target.data = text;
      } else if (target.value !== text) {
        target.value = text;
      }
    }
    return this;
  }
}

// The children of `parent`, one for each [key, values], in their order.
export class Rows {
  #parent;
  #template;
  #copies = new Map();

  constructor(parent, template) {
    this.#parent = parent;
    this.#template = template;
  }

  show(entries) {
    if (this.#copies.size === 0) this.#parent.replaceChildren();
    const copies = new Map();
    for (const [key, values] of entries) {
      copies.set(key, (this.#copies.get(key) ?? new Copy(this.#template)).update(values));
    }
    for (const [key, copy] of this.#copies) {
      if (!copies.has(key)) copy.element.remove();
    }
    let at = this.#parent.firstElementChild;
    for (const {element} of copies.values()) {
      if (element === at) {
        at = at.nextElementSibling;
      } else {
        this.#parent.insertBefore(element, at);
      }
    }
    this.#copies = copies;
  }
}
