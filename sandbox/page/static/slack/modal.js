// Modals, on the screen of whoever the app showed them to.

import { h, reconcile } from "../dom.js";
import { act } from "../hands.js";
import { icon } from "../icons.js";
import { things } from "../world.js";
import { drawn } from "./blocks.js";
import { appMark } from "./message.js";
import { plain } from "./mrkdwn.js";

const drafts = new Map();
const complaints = new Map();
/** Views that were just submitted: what was still being typed into them is of no interest any more. */
const submitted = new Set();
let failure = null;

/** The modal that this person sees: the uppermost of the stack. */
export function topmost(me) {
  const open = [...things.view.values()].filter((view) => view.user === me && view.type === "modal" && view.status === "open");
  const covered = new Set(open.map((view) => view.previous_view_id));
  return open.find((view) => !covered.has(view.id)) ?? null;
}

const draftOf = (view) => drafts.get(view.id) ?? drafts.set(view.id, new Map()).get(view.id);
const name = (block, element) => `${block.block_id}\n${element.action_id}`;

/** What happens in a view (a modal or the App Home): things are pressed, and filled in. */
export function surfaceOf(view, me, redraw) {
  const draft = draftOf(view);
  const values = () => {
    const all = {};
    for (const block of view.blocks) {
      if (block.type === "input" && draft.has(name(block, block.element)))
        (all[block.block_id] ??= {})[block.element.action_id] = draft.get(name(block, block.element));
    }
    return all;
  };
  return {
    where: { user: me, view_id: view.id },
    values,
    value: (block, element) => (draft.has(name(block, element)) ? draft.get(name(block, element)) : null),
    fill: (block, element, value) => draft.set(name(block, element), value),
    complaint: (block) => complaints.get(view.id)?.[block.block_id] ?? null,
    press: async (block, element, value) => {
      if (submitted.has(view.id)) return;
      if (value !== null) draft.set(name(block, element), value);
      const seen = await act("slack/press", {
        user: me,
        view_id: view.id,
        action_id: element.action_id,
        block_id: block.block_id,
        value,
        values: values(),
      });
      failure = seen.error;
      redraw();
    },
  };
}

/** Brings the screen up to date: shows, changes or removes the modal. */
export function showModal(screen, me, redraw) {
  const view = topmost(me);
  const shown = screen.querySelector(".modal");
  if (!view) {
    shown?.parentElement.remove();
    return;
  }
  if (shown?.dataset.view === view.id) {
    fill(shown, view, me, redraw);
    return;
  }
  shown?.parentElement.remove();
  failure = null;
  const modal = frame(view, me, redraw);
  screen.append(h("div", { class: "modal-ground" }, modal));
  fill(modal, view, me, redraw);
  (
    modal.querySelector(".modal-blocks input, .modal-blocks textarea, .modal-blocks select, .modal-blocks button") ??
    modal.querySelector(".modal-foot button:last-child") ??
    modal
  ).focus();
}

function frame(view, me, redraw) {
  const close = (clear = false) => act("slack/close", { user: me, view_id: modal.dataset.view, clear });
  const form = h(
    "form",
    { novalidate: true },
    h(
      "header",
      { class: "modal-head" },
      h("span", { class: "modal-mark" }, appMark()),
      h("h2", { id: "modal-title" }),
      h("button", { type: "button", class: "quiet icon-only", "aria-label": "Close", onclick: () => close(true) }, icon("close")),
    ),
    h("div", { class: "modal-blocks" }),
    h("p", { class: "modal-failure", role: "alert" }),
    h("footer", { class: "modal-foot" }),
  );
  const modal = h("div", { class: "modal", role: "dialog", "aria-labelledby": "modal-title", "data-view": view.id, tabindex: "-1" }, form);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit(modal, things.view.get(modal.dataset.view), me, redraw);
  });
  modal.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
    if (
      event.key === "Enter" &&
      event.target.tagName === "INPUT" &&
      !["checkbox", "radio"].includes(event.target.type) &&
      !event.defaultPrevented
    ) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  modal.closing = () => close();
  return modal;
}

function fill(modal, view, me, redraw) {
  const surface = surfaceOf(view, me, redraw);
  modal.querySelector("#modal-title").replaceChildren(...plain(view.title));
  modal.querySelector(".modal-failure").replaceChildren(...(failure ? [icon("warning"), failure] : []));
  // A block that has not changed keeps its element, and with it the focus and what is half typed.
  reconcile(modal.querySelector(".modal-blocks"), view.blocks, {
    key: (block) => block.block_id,
    version: (block) => JSON.stringify([block, surface.complaint(block)]),
    render: (block) => drawn(block, surface),
  });
  const foot = modal.querySelector(".modal-foot");
  const label = JSON.stringify([view.close, view.submit]);
  if (foot.dataset.label === label) return;
  foot.dataset.label = label;
  foot.replaceChildren(
    h(
      "button",
      { type: "button", class: "bk-button", onclick: modal.closing },
      view.close ? plain(view.close) : view.previous_view_id ? "Back" : "Cancel",
    ),
    ...(view.submit ? [h("button", { class: "bk-button primary", "data-submit": true }, plain(view.submit))] : []),
  );
}

async function submit(modal, view, me, redraw) {
  const button = modal.querySelector("[data-submit]");
  if (!button || button.disabled) return;
  const values = Object.fromEntries(
    view.blocks
      .filter((block) => block.type === "input")
      .map((block) => [block.block_id, { [block.element.action_id]: held(view, block) }]),
  );
  button.disabled = true;
  button.setAttribute("aria-busy", "true");
  submitted.add(view.id);
  try {
    const seen = await act("slack/submit", { user: me, view_id: view.id, values });
    complaints.set(view.id, seen.errors);
    failure = seen.error;
    if (seen.view?.id === view.id) submitted.delete(view.id);
  } finally {
    button.disabled = false;
    button.removeAttribute("aria-busy");
  }
  redraw();
  modal.querySelector("[aria-invalid=true]")?.focus();
}

/** What an input holds: what was filled in, or what it began with. */
function held(view, { element, block_id: blockId }) {
  const draft = draftOf(view);
  const filled = `${blockId}\n${element.action_id}`;
  if (draft.has(filled)) return draft.get(filled);
  const began = Object.entries(element).find(([field]) => field.startsWith("initial_"))?.[1] ?? null;
  const plainly = (one) => (one && typeof one === "object" && "value" in one ? one.value : one);
  return Array.isArray(began) ? began.map(plainly) : plainly(began);
}
