// Elements are made, never parsed: whatever anyone wrote reaches the page as text.

/** An element with attributes, listeners (`onclick` …) and children; strings become text, null and false nothing. */
export function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked" || name === "disabled" || name === "selected") element[name] = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat(4).filter((child) => child !== null && child !== undefined && child !== false && child !== ""));
  return element;
}

/**
 * Makes the children of `parent` those of `items`, in their order, touching only what is new or has another version.
 * What had the focus keeps it, if its successor has an element with the same `data-focus`.
 */
export function reconcile(parent, items, { key, version, render, update }) {
  const old = new Map();
  for (const child of parent.children) old.set(child.dataset.key, child);
  let cursor = parent.firstElementChild;
  for (const item of items) {
    const name = String(key(item));
    const now = String(version(item));
    let node = old.get(name);
    old.delete(name);
    if (node && node.dataset.version !== now) {
      if (update) update(node, item);
      else node = succeed(node, render(item), cursor, (next) => (cursor = next));
      node.dataset.version = now;
    } else if (!node) {
      node = render(item);
      node.dataset.version = now;
    }
    node.dataset.key = name;
    if (node === cursor) cursor = cursor.nextElementSibling;
    else parent.insertBefore(node, cursor);
  }
  for (const gone of old.values()) gone.remove();
}

function succeed(node, fresh, cursor, setCursor) {
  const focused = node.contains(document.activeElement) ? document.activeElement.dataset.focus : null;
  if (cursor === node) setCursor(fresh);
  node.replaceWith(fresh);
  if (focused) fresh.querySelector(`[data-focus="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  return fresh;
}

/** Makes a row of buttons behave as tabs: arrows move, the chosen one is in the tab order. */
export function asTabs(list, choose) {
  list.addEventListener("click", (event) => {
    const tab = event.target.closest("[role=tab]");
    if (tab) choose(tab.dataset.key);
  });
  list.addEventListener("keydown", (event) => {
    const tabs = [...list.querySelectorAll("[role=tab]")];
    const here = tabs.indexOf(document.activeElement);
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (here < 0 || !step) return;
    const next = tabs[(here + step + tabs.length) % tabs.length];
    event.preventDefault();
    choose(next.dataset.key);
    list.querySelector(`[data-key="${CSS.escape(next.dataset.key)}"]`)?.focus();
  });
}

/** A tab for `asTabs`. */
export function tab(name, label, selected, { panel, dot, count } = {}) {
  return h(
    "button",
    {
      type: "button",
      role: "tab",
      "aria-selected": String(selected),
      "aria-controls": panel,
      tabindex: selected ? "0" : "-1",
      "data-key": name,
      class: `tab-${name}`,
    },
    dot ? h("span", { class: "dot", "aria-hidden": "true" }) : null,
    label,
    count ? h("span", { class: "chip" }, String(count)) : null,
  );
}

/** Initials on a colour that is always the same for the same name. */
export function avatar(name, { corners = false, mark = null } = {}) {
  const initials = name
    .split(/[\s._-]+/)
    .filter(Boolean)
    .map((word) => [...word][0])
    .slice(0, 2)
    .join("")
    .toUpperCase();
  const element = h("span", { class: corners ? "avatar square-corners" : "avatar", "aria-hidden": "true" }, mark ?? initials);
  let hue = 7;
  for (const letter of name) hue = (hue * 31 + letter.codePointAt(0)) % 360;
  element.style.setProperty("--hue", String(hue));
  return element;
}
