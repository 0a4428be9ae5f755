// Who writes on the square, to which brand, and what.

import { answered } from "./dialog.js";
import { avatar, h } from "./dom.js";
import { act } from "./hands.js";
import { remembered, world } from "./world.js";

/** Whose hands are at the keyboard; `draft` outlives a change of network or of person. */
export const writer = { me: null, brand: null, draft: "" };

export function startWriting() {
  writer.me = remembered.get("customer", null) ?? customers()[0] ?? account();
  writer.brand = world.told.brands[0]?.handle ?? "brand";
}

/** The writer, as the sandbox wants to know them. */
export const author = () => ({
  id: writer.me.id,
  handle: writer.me.handle,
  name: writer.me.name,
  is_brand: Boolean(writer.me.is_brand),
  private_messages: writer.me.private_messages ?? true,
  customer_id: writer.me.customer_id ?? null,
});

/** What else is to be known of a customer. */
const besides = (one) =>
  (one.private_messages === false ? " (takes no private messages)" : "") + (one.customer_id ? " (signed in with the brand)" : "");

const brand = () => world.told.brands.find((one) => one.handle === writer.brand) ?? { handle: writer.brand, name: writer.brand };
const account = () => ({ id: `brand-${brand().handle}`, handle: brand().handle, name: brand().name, is_brand: true });

/** Customers of the world, and those who were made here. */
const customers = () => [...world.told.customers, ...remembered.get("newcomers", [])];

function become(person, changed) {
  writer.me = person;
  remembered.set("customer", person);
  changed();
}

/** Takes up a sample: its words and its author, ready to be sent. */
function take(sample, changed) {
  writer.draft = sample.text;
  become(authorOf(sample), changed);
  document.getElementById("post-text").focus();
}

const authorOf = (sample) => world.told.customers.find((one) => one.handle === sample.author) ?? writer.me;

/** The first samples as a list to choose from, for a square on which nobody has written yet. */
export function suggestions(changed) {
  const line = (sample) =>
    h(
      "li",
      {},
      h(
        "button",
        { type: "button", class: "suggestion", onclick: () => take(sample, changed) },
        avatar(authorOf(sample).name),
        h("span", {}, h("strong", {}, authorOf(sample).name), h("span", { class: "suggestion-text" }, sample.text)),
      ),
    );
  return h("ul", { class: "suggestions" }, world.told.samples.slice(0, 5).map(line));
}

/** The form with which one posts on a network. `changed` is called when somebody else is to write. */
export function composer(network, changed) {
  const text = h("textarea", {
    class: "field",
    id: "post-text",
    rows: "2",
    "aria-label": "Your post",
    placeholder: `Write to @${brand().handle} …`,
    value: writer.draft,
  });
  const counted = h("span", { class: "counted", title: "Characters" });
  const count = () => {
    writer.draft = text.value;
    counted.textContent = text.value ? [...text.value].length : "";
  };
  const send = async (event) => {
    event.preventDefault();
    if (!text.value.trim()) return;
    await act("post", { channel: network.name, brand: writer.brand, author: author(), text: text.value });
    text.value = "";
    count();
  };
  text.addEventListener("input", count);
  text.addEventListener("keydown", (event) => event.key === "Enter" && (event.metaKey || event.ctrlKey) && text.form.requestSubmit());
  count();
  return h(
    "form",
    { class: "compose", onsubmit: send },
    h("div", { class: "compose-who" }, avatar(writer.me.name), h("label", { for: "post-author" }, "You are"), whoever(changed)),
    text,
    h(
      "div",
      { class: "compose-foot" },
      samples(changed),
      addressed(changed),
      counted,
      h("button", { class: "button primary" }, `Post on ${network.network}`),
    ),
  );
}

function whoever(changed) {
  const everyone = customers();
  const choices = [...everyone, account()];
  const choose = (event) => {
    if (event.target.value === "new") newcomer(changed);
    else
      become(
        choices.find((one) => one.id === event.target.value),
        changed,
      );
  };
  const option = (one, label) => h("option", { value: one.id, selected: one.id === writer.me.id }, label);
  return h(
    "select",
    { class: "field", id: "post-author", onchange: choose },
    h(
      "optgroup",
      { label: "Customers" },
      everyone.map((one) => option(one, one.name + besides(one))),
    ),
    h("optgroup", { label: "Others" }, option(account(), `${brand().name}, by hand`), h("option", { value: "new" }, "Somebody new …")),
  );
}

async function newcomer(changed) {
  const name = await answered("Somebody new on the square", "What are they called?", "Kim Lee", "Be them");
  if (!name) return become(writer.me, changed);
  const handle = name.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "_") || "somebody";
  const person = { id: String(880000 + Math.floor(Math.random() * 99999)), handle, name };
  remembered.set("newcomers", [...remembered.get("newcomers", []), person]);
  return become(person, changed);
}

/** Whom one writes to, where there is more than one brand. */
function addressed(changed) {
  if (world.told.brands.length < 2) return null;
  const choose = (event) => {
    writer.brand = event.target.value;
    changed();
  };
  const option = (one) => h("option", { value: one.handle, selected: one.handle === writer.brand }, `to @${one.handle}`);
  return h("select", { "aria-label": "Whom you write to", onchange: choose }, world.told.brands.map(option));
}

function samples(changed) {
  const label = (one) => `${one.about}: ${one.text.length > 60 ? `${one.text.slice(0, 58)} …` : one.text}`;
  const choose = (event) => {
    const sample = world.told.samples[Number(event.target.value)];
    if (event.target.value && sample) take(sample, changed);
  };
  return h(
    "select",
    { "aria-label": "Pick a sample complaint", onchange: choose },
    h("option", { value: "" }, "Samples …"),
    world.told.samples.map((one, at) => h("option", { value: String(at) }, label(one))),
  );
}
