// The one form: a dialog with labelled inputs, made of what a command needs.

import { byId, chinese, make, setHidden, setText } from "./dom.js";

/** What the log takes as one text (`models.command.TEXT_LIMIT`). */
const TEXT_LIMIT = 500;

/**
 * Ask for `fields`: `{name, en, zh, kind, required, value, options, min, max, step, when}`. `options` may be a
 * function of the values so far, `when` says whether a field is needed. Resolves to the values by name, or null when
 * the person thought better of it.
 */
export function ask({ title, zh, about = "", hint = "", fields = [], send = title }) {
  const dialog = byId("ask");
  byId("ask-title").replaceChildren(`${title} `, chinese(zh));
  setText(byId("ask-about"), about);
  setText(byId("ask-hint"), hint);
  setHidden(byId("ask-hint"), !hint);
  setText(byId("ask-send"), send);
  const inputs = new Map(fields.map((field) => [field.name, input(field)]));
  const settle = () => adjust(fields, inputs);
  byId("ask-fields").replaceChildren(...fields.map((field) => labelled(field, inputs.get(field.name))));
  byId("ask-fields").oninput = byId("ask-fields").onchange = settle;
  settle();
  dialog.returnValue = "";
  dialog.showModal();
  (dialog.querySelector("#ask-fields :is(input, select):not(:disabled)") ?? byId("ask-send")).focus();
  return new Promise((done) => {
    dialog.addEventListener("close", () => done(dialog.returnValue === "send" ? valuesOf(fields, inputs) : null), { once: true });
  });
}

function input(field) {
  const element = document.createElement(field.kind === "select" ? "select" : "input");
  element.id = `ask-${field.name}`;
  element.required = Boolean(field.required);
  if (field.kind === "select") {
    fill(element, typeof field.options === "function" ? [] : field.options);
  } else {
    element.autocomplete = "off";
    element.type = field.kind ?? "text";
    if (field.kind === "number") [element.min, element.max, element.step] = [field.min ?? "", field.max ?? "", field.step ?? "1"];
    else element.maxLength = field.max ?? TEXT_LIMIT;
  }
  if (field.value) element.value = field.value;
  return element;
}

function labelled(field, element) {
  return make("label", "", make("span", "", `${field.en} `, chinese(field.zh), field.required ? "" : " (optional)"), element);
}

function fill(select, options) {
  const had = select.value;
  select.replaceChildren(...options.map(([value, text]) => new Option(text, value)));
  if (options.some(([value]) => value === had)) select.value = had;
}

/** Options and needed fields that follow from what is chosen elsewhere. */
function adjust(fields, inputs) {
  for (const field of fields) {
    const element = inputs.get(field.name);
    const values = Object.fromEntries([...inputs].map(([name, e]) => [name, e.value]));
    if (typeof field.options === "function") {
      const options = field.options(values);
      const key = JSON.stringify(options);
      if (element.dataset.key !== key) fill(element, options);
      element.dataset.key = key;
    }
    const needed = field.when?.(values) ?? true;
    element.disabled = !needed;
    setHidden(element.parentElement ?? element, !needed);
  }
  for (const field of fields) inputs.get(field.name).setCustomValidity(inputs.get(field.name).disabled ? "" : blank(field, inputs));
}

/** Spaces alone are no text. */
function blank(field, inputs) {
  const { value } = inputs.get(field.name);
  return field.required && value && !value.trim() ? "say something" : "";
}

function valuesOf(fields, inputs) {
  const values = {};
  for (const field of fields) {
    const element = inputs.get(field.name);
    const value = element.value.trim();
    if (!element.disabled && value !== "") values[field.name] = field.kind === "number" ? Number(value) : value;
  }
  return values;
}

/** Once, when the page begins. */
export function beginAsking() {
  byId("ask-cancel").addEventListener("click", () => byId("ask").close(""));
}
