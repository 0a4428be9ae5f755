// What a person presses, picks and fills in.

import { sure } from "../dialog.js";
import { h } from "../dom.js";
import { act } from "../hands.js";
import { icon } from "../icons.js";
import { things, world } from "../world.js";
import { plain, text } from "./mrkdwn.js";

const TYPING_PAUSE_MS = 350;

/** An element of a block. In an input block it is filled in; anywhere else it acts at once. */
export function interactive(block, element, surface, about = {}) {
  const draw = ELEMENTS[element.type];
  if (!draw) return h("span", { class: "unknown" }, element.type);
  return draw(element, new Place(block, element, surface, about));
}

/** Where an element stands, and what happens when somebody touches it. */
class Place {
  constructor(block, element, surface, about) {
    Object.assign(this, { block, element, surface });
    this.focus = `${block.block_id}/${element.action_id}`;
    this.attributes = {
      id: about.id ?? null,
      "data-focus": this.focus,
      "aria-describedby": about.describedby ?? null,
      "aria-invalid": about.invalid ? "true" : null,
      "aria-required": about.required ? "true" : null,
    };
    this.isInput = block.type === "input";
  }

  /** What is in it: what was filled in here, or what it began with. */
  get value() {
    return this.surface.value ? this.surface.value(this.block, this.element) : null;
  }

  label(otherwise) {
    return this.isInput ? null : (this.element.placeholder?.text ?? otherwise);
  }

  async change(value) {
    if (this.isInput) {
      this.surface.fill(this.block, this.element, value);
      if (!this.block.dispatch_action) return;
    }
    await this.press(value);
  }

  async press(value) {
    const { confirm: asked } = this.element;
    if (asked) {
      const yes = await sure(plain(asked.title), text(asked.text), plain(asked.confirm), asked.style === "danger", plain(asked.deny));
      if (!yes) return;
    }
    await this.surface.press(this.block, this.element, value);
  }
}

function button(element, place) {
  const style = element.style ? ` ${element.style}` : "";
  const label = [plain(element.text), element.url ? icon("outside") : null];
  const common = {
    class: `bk-button${style}`,
    "data-focus": place.focus,
    "aria-label": element.accessibility_label ?? null,
    "data-action": element.action_id,
  };
  if (element.url && /^https?:/.test(element.url)) {
    return h("a", { ...common, href: element.url, target: "_blank", rel: "noopener noreferrer", onclick: () => place.press(null) }, label);
  }
  const pressed = async (event) => {
    const self = event.currentTarget;
    self.setAttribute("aria-busy", "true");
    self.disabled = true;
    await place.press(null).finally(() => {
      self.removeAttribute("aria-busy");
      self.disabled = false;
    });
  };
  return h("button", { ...common, type: "button", onclick: pressed }, label);
}

function overflow(element, place) {
  const choose = (option) => {
    box.open = false;
    if (option.url) window.open(option.url, "_blank", "noopener");
    place.press(option.value);
  };
  const items = element.options.map((option) =>
    h(
      "li",
      {},
      h(
        "button",
        { type: "button", "data-action": element.action_id, "data-value": option.value, onclick: () => choose(option) },
        plain(option.text),
        option.description ? h("small", {}, plain(option.description)) : null,
      ),
    ),
  );
  const box = h(
    "details",
    { class: "bk-overflow" },
    h("summary", { class: "bk-button", "aria-label": "More", "data-focus": place.focus }, icon("more")),
    h("menu", {}, items),
  );
  box.addEventListener("focusout", (event) => box.contains(event.relatedTarget) || (box.open = false));
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !box.open) return;
    event.stopPropagation();
    box.open = false;
    box.querySelector("summary").focus();
  });
  return box;
}

// Menus

const option = (value, label, chosen) => h("option", { value, selected: value === chosen }, label);

function menu(element, place, groups, chosen) {
  const empty = h("option", { value: "", selected: !chosen }, element.placeholder?.text ?? "Choose …");
  return h(
    "select",
    {
      ...place.attributes,
      class: place.isInput ? "field" : "bk-select",
      "aria-label": place.label("Choose"),
      "data-action": element.action_id,
      onchange: (event) => place.change(event.target.value || null),
    },
    empty,
    groups.map(({ label, options }) =>
      label
        ? h(
            "optgroup",
            { label },
            options.map(([value, said]) => option(value, said, chosen)),
          )
        : options.map(([value, said]) => option(value, said, chosen)),
    ),
  );
}

const optionsOf = (options) => options.map((one) => [one.value, plain(one.text).join("")]);
const groupsOf = (element) =>
  element.option_groups
    ? element.option_groups.map((group) => ({ label: group.label.text, options: optionsOf(group.options) }))
    : [{ options: optionsOf(element.options) }];
const people = () => [{ options: [...world.people.values()].map((person) => [person.id, `${person.name} (${person.title})`]) }];
const conversations = () => [
  { options: [...things.conversation.values()].filter((one) => !one.is_im).map((one) => [one.id, `#${one.name}`]) },
];

const select = (groups, initial) => (element, place) =>
  menu(element, place, groups(element), place.value ?? place.element[initial]?.value ?? place.element[initial] ?? null);

/** Several of many: boxes to tick, which everybody can use. */
function several(groups, initial) {
  return (element, place) => {
    const began = (element[initial] ?? []).map((one) => one.value ?? one);
    const chosen = new Set(place.value ?? began);
    const tick = (value) => (event) => {
      if (event.target.checked) chosen.add(value);
      else chosen.delete(value);
      place.change([...chosen]);
    };
    const box = ([value, said]) =>
      h("label", { class: "tick" }, h("input", { type: "checkbox", value, checked: chosen.has(value), onchange: tick(value) }), said);
    return h(
      "div",
      { class: "bk-several" },
      groups(element).map(({ options }) => options.map(box)),
    );
  };
}

function choices(kind) {
  return (element, place) => {
    const began = kind === "radio" ? [element.initial_option?.value] : (element.initial_options ?? []).map((one) => one.value);
    const now = place.value ?? began;
    const chosen = new Set(Array.isArray(now) ? now : [now]);
    const name = `${place.focus}-${Math.random()}`;
    const tick = (value) => (event) => {
      if (kind === "radio") return place.change(value);
      if (event.target.checked) chosen.add(value);
      else chosen.delete(value);
      return place.change([...chosen]);
    };
    const box = (one) =>
      h(
        "label",
        { class: "tick" },
        h("input", {
          type: kind,
          name,
          value: one.value,
          checked: chosen.has(one.value),
          onchange: tick(one.value),
          "data-action": element.action_id,
        }),
        h("span", {}, text(one.text), one.description ? h("small", {}, text(one.description)) : null),
      );
    return h("div", { class: "bk-choices" }, element.options.map(box));
  };
}

/** A menu whose options the app offers while one types. */
function external(element, place) {
  const list = h("menu", { class: "bk-offered", hidden: true });
  const held = place.value;
  const typed = h("input", {
    ...place.attributes,
    class: "field",
    type: "text",
    role: "combobox",
    "aria-expanded": "false",
    autocomplete: "off",
    placeholder: element.placeholder?.text ?? "Type to search …",
    "aria-label": place.label("Search"),
    value: held?.text?.text ?? element.initial_option?.text?.text ?? "",
  });
  let waiting;
  const choose = (one) => {
    typed.value = plain(one.text).join("");
    show([]);
    place.change(one);
  };
  const show = (options) => {
    list.replaceChildren(
      ...options.map((one) => h("li", {}, h("button", { type: "button", onclick: () => choose(one) }, plain(one.text)))),
    );
    list.hidden = !options.length;
    typed.setAttribute("aria-expanded", String(!list.hidden));
  };
  typed.addEventListener("input", () => {
    clearTimeout(waiting);
    if (typed.value.length < (element.min_query_length ?? 3)) return show([]);
    waiting = setTimeout(async () => {
      const { options } = await act("slack/suggest", { ...place.surface.where, action_id: element.action_id, typed: typed.value });
      show(options.flatMap((one) => one.options ?? [one]));
    }, TYPING_PAUSE_MS);
    return undefined;
  });
  return h("div", { class: "bk-external" }, typed, list);
}

// Writing

function written(type, { multiline = false } = {}) {
  return (element, place) => {
    const began = place.value ?? element.initial_value ?? "";
    const common = {
      ...place.attributes,
      class: "field",
      placeholder: element.placeholder?.text ?? null,
      value: typeof began === "string" ? began : "",
    };
    const tall = multiline || element.multiline;
    const field = tall
      ? h("textarea", { ...common, rows: "4" })
      : h("input", { ...common, type, inputmode: type === "number" ? "decimal" : null });
    const left = element.max_length ? h("span", { class: "left", "aria-live": "polite" }) : null;
    const count = () => {
      if (!left) return;
      const rest = element.max_length - field.value.length;
      left.textContent = String(rest);
      left.classList.toggle("over", rest < 0);
      left.title = rest < 0 ? `${-rest} too many` : `${rest} left`;
    };
    count();
    const triggers = place.block.dispatch_action ? (element.dispatch_action_config?.trigger_actions_on ?? ["on_enter_pressed"]) : [];
    let waiting;
    field.addEventListener("input", () => {
      count();
      place.surface.fill(place.block, element, field.value);
      clearTimeout(waiting);
      if (triggers.includes("on_character_entered")) waiting = setTimeout(() => place.press(field.value), TYPING_PAUSE_MS);
    });
    field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing) return;
      if (triggers.includes("on_enter_pressed") && !(tall && event.shiftKey)) {
        event.preventDefault();
        place.press(field.value);
      }
    });
    return h("div", { class: left ? "bk-written counted-field" : "bk-written" }, field, left);
  };
}

const dated = (type, initial) => (element, place) =>
  h("input", {
    ...place.attributes,
    type,
    class: place.isInput ? "field" : "bk-select",
    "aria-label": place.label("Choose"),
    value: place.value ?? element[initial] ?? "",
    onchange: (event) => place.change(event.target.value || null),
  });

function moment(element, place) {
  const local = (seconds) => new Date(seconds * 1000 - new Date().getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
  const began = place.value ?? element.initial_date_time;
  const change = (event) => place.change(event.target.value ? Math.floor(new Date(event.target.value).getTime() / 1000) : null);
  return h("input", {
    ...place.attributes,
    type: "datetime-local",
    class: "field",
    "aria-label": place.label("Choose a moment"),
    value: began ? local(began) : "",
    onchange: change,
  });
}

const ELEMENTS = {
  button,
  overflow,
  static_select: select(groupsOf, "initial_option"),
  users_select: select(people, "initial_user"),
  channels_select: select(conversations, "initial_channel"),
  conversations_select: select(conversations, "initial_conversation"),
  external_select: external,
  multi_static_select: several(groupsOf, "initial_options"),
  multi_users_select: several(people, "initial_users"),
  multi_channels_select: several(conversations, "initial_channels"),
  multi_conversations_select: several(conversations, "initial_conversations"),
  checkboxes: choices("checkbox"),
  radio_buttons: choices("radio"),
  datepicker: dated("date", "initial_date"),
  timepicker: dated("time", "initial_time"),
  datetimepicker: moment,
  plain_text_input: written("text"),
  email_text_input: written("email"),
  url_text_input: written("url"),
  number_input: written("number"),
  rich_text_input: written("text", { multiline: true }),
};
