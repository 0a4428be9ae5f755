// Slack: whose screen it is, what is in the channels, and what they write.

import { avatar, h, reconcile } from "../dom.js";
import { act } from "../hands.js";
import { icon } from "../icons.js";
import { toast } from "../toast.js";
import { on, remembered, replies, things, world } from "../world.js";
import { drawn } from "./blocks.js";
import { appMark, message, versionOf } from "./message.js";
import { showModal, surfaceOf } from "./modal.js";
import { mrkdwn } from "./mrkdwn.js";
import { HOME, inside, markRead, mine, person, seat, SHOWN_AT_FIRST, visible } from "./seat.js";
import { drawSidebar } from "./sidebar.js";

const screen = () => document.getElementById("slack-body");

export function slack(target) {
  seat.me = world.people.has(remembered.get("person", "")) ? remembered.get("person", "") : world.told.people[0].id;
  if (target.channel && things.conversation.has(target.channel)) arriveAt(target);
  else
    seat.where =
      remembered.get(`where ${seat.me}`, null) ?? mine().find((one) => one.name.includes(person().department))?.id ?? mine()[0]?.id ?? HOME;
  mrkdwn.me = seat.me;
  screen().append(
    h("nav", { class: "sidebar", "aria-label": "Slack channels" }),
    h(
      "div",
      { class: "conversation" },
      h("header", { class: "conversation-head" }),
      h("div", { class: "scroll", id: "messages", tabindex: "-1" }, h("div", { class: "earlier" }), h("ol", { class: "messages" })),
      writing("channel"),
    ),
    h(
      "aside",
      { class: "thread-pane", "aria-label": "Thread", hidden: true },
      h("header", { class: "conversation-head" }),
      h("div", { class: "scroll", id: "thread-messages", tabindex: "-1" }, h("ol", { class: "messages" })),
      writing("thread"),
    ),
  );
  on("message conversation view", draw);
  draw();
  if (seat.where === HOME) act("slack/home", { user: seat.me });
}

/** A permalink: on the screen of somebody who is in that channel. */
function arriveAt({ channel, ts, thread }) {
  const { members } = things.conversation.get(channel);
  if (!members.includes(seat.me)) seat.me = members.find((member) => world.people.has(member)) ?? seat.me;
  Object.assign(seat, { where: channel, thread: thread ?? null, sought: ts, most: 100_000 });
}

function go(where) {
  Object.assign(seat, { where, thread: null, most: SHOWN_AT_FIRST, sought: null });
  remembered.set(`where ${seat.me}`, where);
  screen().querySelector("#messages .messages").replaceChildren();
  draw();
  if (where === HOME) act("slack/home", { user: seat.me });
  else screen().querySelector(".conversation .writing textarea").focus({ preventScroll: true });
}

function become(id) {
  seat.me = id;
  mrkdwn.me = id;
  remembered.set("person", id);
  const before = seat.where;
  const here = before === HOME || mine().some((one) => one.id === before);
  const own =
    remembered.get(`where ${id}`, null) ?? mine().find((one) => one.name.includes(person().department))?.id ?? mine()[0]?.id ?? HOME;
  screen()
    .querySelectorAll(".messages")
    .forEach((list) => list.replaceChildren());
  screen().querySelector(".modal-ground")?.remove();
  go(here && before !== HOME ? before : own);
}

// Drawing

export function draw() {
  const home = seat.where === HOME;
  screen().dataset.thread = seat.thread ? "open" : "";
  sidebar();
  drawHead();
  screen().querySelector(".conversation .writing").hidden = home;
  if (home) drawHome();
  else drawMessages(screen().querySelector("#messages"), seat.where, { openThread });
  drawThread();
  showModal(screen(), seat.me, draw);
  const modal = screen().querySelector(".modal-ground");
  for (const part of screen().querySelectorAll(".sidebar, .conversation, .thread-pane"))
    part.inert = Boolean(modal) && part.className !== "sidebar";
}

const sidebar = () => drawSidebar(screen().querySelector(".sidebar"), { go, become });

function drawHead() {
  const head = screen().querySelector(".conversation > .conversation-head");
  const place = things.conversation.get(seat.where);
  const version = `${seat.where} ${place?.n}`;
  if (head.dataset.version === version) return;
  head.dataset.version = version;
  if (!place || place.is_im) {
    const { app } = world.told;
    head.replaceChildren(
      avatar(app.name, { corners: true, mark: appMark() }),
      h("div", {}, h("h2", {}, app.name), h("p", {}, place ? "Direct messages" : "App Home")),
    );
  } else {
    const people = place.members.filter((member) => world.people.has(member)).length;
    head.replaceChildren(
      h(
        "div",
        {},
        h("h2", {}, `#${place.name}`),
        h("p", { title: place.topic }, `${people} people${place.topic ? ` · ${place.topic}` : ""}`),
      ),
    );
  }
  const box = screen().querySelector(".conversation .writing textarea");
  box.placeholder = place ? `Message ${place.is_im ? world.told.app.name : `#${place.name}`}` : "";
  box.setAttribute("aria-label", box.placeholder);
}

function drawMessages(pane, id, { openThread: open }) {
  const all = inside(id);
  const shown = all.slice(-seat.most);
  const atEnd = pane.scrollHeight - pane.scrollTop - pane.clientHeight < 60 || !pane.querySelector(".messages").childElementCount;
  list(pane.querySelector(".messages"), shown, open);
  const left = all.length - shown.length;
  pane
    .querySelector(".earlier")
    .replaceChildren(
      ...(left
        ? [
            h(
              "button",
              { type: "button", class: "button small more", onclick: showEarlier },
              `Show ${Math.min(left, SHOWN_AT_FIRST)} earlier`,
            ),
          ]
        : all.length
          ? []
          : [nothing(id)]),
    );
  if (seat.sought) highlight(pane);
  else if (atEnd) pane.scrollTop = pane.scrollHeight;
  if (!document.hidden && screen().offsetParent && markRead(id, all.at(-1)?.ts)) queueMicrotask(sidebar);
}

function nothing(id) {
  const place = things.conversation.get(id);
  return h(
    "p",
    { class: "empty" },
    h("strong", {}, place?.is_im ? `Nothing from ${world.told.app.name} yet` : `Nothing in #${place?.name ?? ""} yet`),
    place?.is_im
      ? "Reminders and escalations come here."
      : "Write a complaint on the public square: its card comes to the channel of the department that can solve it.",
  );
}

function showEarlier() {
  const pane = screen().querySelector("#messages");
  const fromEnd = pane.scrollHeight - pane.scrollTop;
  seat.most += SHOWN_AT_FIRST;
  draw();
  pane.scrollTop = pane.scrollHeight - fromEnd;
}

function list(element, shown, open) {
  reconcile(
    element,
    shown.map((one, at) => ({ one, before: shown[at - 1] ?? null })),
    {
      key: ({ one }) => one.ts,
      version: ({ one, before }) => `${versionOf(one, before, seat.me)} ${one.ts === seat.thread}`,
      render: ({ one, before }) => message(one, { before, me: seat.me, redraw: draw, openThread: open }),
    },
  );
}

function highlight(pane) {
  const found = pane.querySelector(`[data-ts="${CSS.escape(seat.sought)}"]`);
  if (!found) return;
  found.classList.add("arrived");
  found.scrollIntoView({ block: "center" });
  seat.sought = null;
}

function openThread(ts) {
  seat.thread = ts;
  screen().querySelector("#thread-messages .messages").replaceChildren();
  draw();
  screen().querySelector(".thread-pane textarea").focus({ preventScroll: true });
}

function drawThread() {
  const pane = screen().querySelector(".thread-pane");
  const parent = seat.thread && things.message.get(`${seat.where}/${seat.thread}`);
  pane.hidden = !parent;
  if (!parent) return;
  const head = pane.querySelector(".conversation-head");
  if (!head.childElementCount) {
    const close = () => {
      const ts = seat.thread;
      seat.thread = null;
      draw();
      screen()
        .querySelector(`[data-ts="${CSS.escape(ts)}"] .thread-link`)
        ?.focus();
    };
    head.append(
      h("button", { type: "button", class: "quiet icon-only back", "aria-label": "Back to the channel", onclick: close }, icon("back")),
      h("div", {}, h("h2", {}, "Thread"), h("p", {})),
      h("button", { type: "button", class: "quiet icon-only close", "aria-label": "Close the thread", onclick: close }, icon("close")),
    );
  }
  const place = things.conversation.get(seat.where);
  head.querySelector("p").textContent = place?.is_im ? world.told.app.name : `#${place?.name ?? ""}`;
  const scroll = pane.querySelector(".scroll");
  const atEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 60 || !scroll.querySelector(".messages").childElementCount;
  list(scroll.querySelector(".messages"), [parent, ...(replies.get(`${seat.where}/${seat.thread}`) ?? []).filter(visible)], null);
  const box = pane.querySelector("textarea");
  box.placeholder = "Reply …";
  box.setAttribute("aria-label", "Reply in the thread");
  if (seat.sought) highlight(scroll);
  else if (atEnd) scroll.scrollTop = scroll.scrollHeight;
}

function drawHome() {
  const pane = screen().querySelector("#messages");
  const view = [...things.view.values()].find((one) => one.type === "home" && one.user === seat.me);
  pane.querySelector(".earlier").replaceChildren();
  const element = pane.querySelector(".messages");
  const surface = view && surfaceOf(view, seat.me, draw);
  reconcile(element, view ? [{ view }] : [{}], {
    key: ({ view: one }) => (one ? one.id : "nothing"),
    version: ({ view: one }) => `home ${one?.n ?? 0} ${seat.me}`,
    render: ({ view: one }) =>
      h(
        "li",
        { class: "home" },
        one
          ? one.blocks.map((block) => drawn(block, surface))
          : h(
              "p",
              { class: "empty" },
              h("strong", {}, "Nothing here yet"),
              `${world.told.app.name} was told that ${person().name} is looking, and has put nothing here.`,
            ),
      ),
  });
}

// Writing

function writing(where) {
  const box = h("textarea", { rows: "1", "aria-label": "Message" });
  const send = async (event) => {
    event?.preventDefault();
    const text = box.value.trim();
    if (!text) return;
    box.value = "";
    grow();
    await (
      text.startsWith("/")
        ? command(text)
        : act("slack/say", { user: seat.me, channel: seat.where, text, ...(where === "thread" ? { thread_ts: seat.thread } : {}) })
    ).catch((error) => {
      box.value = text;
      throw error;
    });
  };
  const grow = () => {
    box.style.height = "auto";
    box.style.height = `${Math.min(box.scrollHeight, 160)}px`;
  };
  box.addEventListener("input", grow);
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) send(event);
  });
  return h(
    "form",
    { class: "writing", onsubmit: send },
    box,
    h("button", { class: "send", "aria-label": "Send", title: "Send" }, icon("send")),
  );
}

async function command(text) {
  const [name, ...rest] = text.split(/\s+/);
  const seenNow = await act("slack/command", { user: seat.me, channel: seat.where, command: name, text: rest.join(" ") });
  if (seenNow.error) toast(seenNow.error, { bad: true });
}
