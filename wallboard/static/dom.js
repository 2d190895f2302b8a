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

/** Chinese beside English. */
export const chinese = (text) => Object.assign(make("i", "", text), { lang: "zh" });

/** A button with English and Chinese on it. */
export function button(className, en, zh, click) {
  const element = make("button", className, make("span", "", en), " ", chinese(zh));
  element.type = "button";
  element.addEventListener("click", click);
  return element;
}

/** Fill a box anew when `key` (what it shows) is another one; whoever had the focus in it keeps it by `data-key`. */
export function refill(box, key, build) {
  if (box.dataset.shown === key) return;
  box.dataset.shown = key;
  const focused = box.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  box.replaceChildren(...build());
  if (focused) [...box.querySelectorAll("[data-key]")].find((e) => e.dataset.key === focused)?.focus();
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
