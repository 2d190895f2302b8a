// Small helpers: elements by one call, and writes that touch the page only when something changed.

const SVG = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

/** An element with a class, and children or text. Text is always text: nothing here parses HTML. */
export function make(tag, className = "", ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

export function svg(tag, attributes = {}) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function setAttribute(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

export function setHidden(element, hidden) {
  if (element.hidden !== hidden) element.hidden = hidden;
}

/** Bring the children of a box into the order of `elements` without touching those that stand right. */
export function arrange(box, elements) {
  let here = box.firstElementChild;
  for (const element of elements) {
    if (element === here) here = here.nextElementSibling;
    else box.insertBefore(element, here);
  }
}
