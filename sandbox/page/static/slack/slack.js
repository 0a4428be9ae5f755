// Slack: whose screen it is, what is in the channels, and what they write.

import { avatar, h, reconcile } from "../dom.js";
import { act } from "../hands.js";
import { icon } from "../icons.js";
import { toast } from "../toast.js";
import { channels, on, remembered, replies, things, world } from "../world.js";
import { drawn } from "./blocks.js";
import { appMark, message, versionOf } from "./message.js";
import { showModal, surfaceOf } from "./modal.js";
import { mrkdwn } from "./mrkdwn.js";

const SHOWN_AT_FIRST = 50;
const HOME = "home";
const screen = () => document.getElementById("slack-body");

const seen = { me: null, where: null, thread: null, most: SHOWN_AT_FIRST, sought: null };
const read = remembered.get("read", {});

export function slack(target) {
  seen.me = world.people.has(remembered.get("person", "")) ? remembered.get("person", "") : world.told.people[0].id;
  if (target.channel && things.conversation.has(target.channel)) arriveAt(target);
  else
    seen.where =
      remembered.get(`where ${seen.me}`, null) ?? mine().find((one) => one.name.includes(person().department))?.id ?? mine()[0]?.id ?? HOME;
  mrkdwn.me = seen.me;
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
  if (seen.where === HOME) act("slack/home", { user: seen.me });
}

/** A permalink: on the screen of somebody who is in that channel. */
function arriveAt({ channel, ts, thread }) {
  const { members } = things.conversation.get(channel);
  if (!members.includes(seen.me)) seen.me = members.find((member) => world.people.has(member)) ?? seen.me;
  Object.assign(seen, { where: channel, thread: thread ?? null, sought: ts, most: 100_000 });
}

const person = () => world.people.get(seen.me);
const mine = () => [...things.conversation.values()].filter((one) => one.members.includes(seen.me) && !one.is_im && !one.is_archived);
const direct = () => [...things.conversation.values()].find((one) => one.is_im && one.user === seen.me);
const visible = (one) => !one.deleted && (!one.ephemeral_to || one.ephemeral_to === seen.me);
const inside = (id) => (channels.get(id) ?? []).filter(visible);

function unread(id, who = seen.me) {
  const last = read[`${who}/${id}`] ?? "";
  let count = 0;
  const all = channels.get(id) ?? [];
  for (let at = all.length - 1; at >= 0 && all[at].ts > last && count < 100; at -= 1) {
    if (all[at].user !== who && !all[at].deleted && (!all[at].ephemeral_to || all[at].ephemeral_to === who)) count += 1;
  }
  return count;
}

function go(where) {
  Object.assign(seen, { where, thread: null, most: SHOWN_AT_FIRST, sought: null });
  remembered.set(`where ${seen.me}`, where);
  screen().querySelector("#messages .messages").replaceChildren();
  draw();
  if (where === HOME) act("slack/home", { user: seen.me });
  else screen().querySelector(".conversation .writing textarea").focus({ preventScroll: true });
}

function become(id) {
  seen.me = id;
  mrkdwn.me = id;
  remembered.set("person", id);
  const before = seen.where;
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
  const home = seen.where === HOME;
  screen().dataset.thread = seen.thread ? "open" : "";
  drawSidebar();
  drawHead();
  screen().querySelector(".conversation .writing").hidden = home;
  if (home) drawHome();
  else drawMessages(screen().querySelector("#messages"), seen.where, { openThread });
  drawThread();
  showModal(screen(), seen.me, draw);
  const modal = screen().querySelector(".modal-ground");
  for (const part of screen().querySelectorAll(".sidebar, .conversation, .thread-pane"))
    part.inert = Boolean(modal) && part.className !== "sidebar";
}

function drawSidebar() {
  const bar = screen().querySelector(".sidebar");
  if (!bar.childElementCount) {
    const choose = h("select", { id: "person", class: "person", onchange: (event) => become(event.target.value) });
    bar.append(
      h("div", { class: "workspace" }, world.told.team.name),
      h("label", { class: "you", for: "person" }, "You are"),
      choose,
      h("p", { class: "you-title" }),
      h("h2", { id: "channels-title" }, "Channels"),
      h("ul", { class: "channel-list", "aria-labelledby": "channels-title" }),
      h("h2", { id: "apps-title" }, "Apps"),
      h("ul", { class: "app-list", "aria-labelledby": "apps-title" }),
    );
  }
  const everyone = world.told.people.map((one) => ({ ...one, news: waitingFor(one) }));
  reconcile(bar.querySelector("#person"), everyone, {
    key: (one) => one.id,
    version: (one) => `${one.news} ${one.id === seen.me}`,
    render: (one) =>
      h(
        "option",
        { value: one.id, selected: one.id === seen.me },
        `${one.name}${one.news ? ` (${one.news > 99 ? "99+" : one.news})` : ""}`,
      ),
  });
  bar.querySelector("#person").value = seen.me;
  bar.querySelector(".you-title").textContent = person().title;
  const im = direct();
  reconcile(bar.querySelector(".channel-list"), mine(), {
    key: (one) => one.id,
    version: (one) => `${one.id === seen.where} ${unread(one.id)}`,
    render: (one) => entry(one.id, [h("span", { class: "sign" }, one.is_mpim ? icon("smile") : "#"), one.name], unread(one.id)),
  });
  const apps = [{ id: HOME, label: "Home", sign: "home" }, ...(im ? [{ id: im.id, label: "Messages", sign: "thread" }] : [])];
  reconcile(bar.querySelector(".app-list"), apps, {
    key: (one) => one.id,
    version: (one) => `${one.id === seen.where} ${one.id === HOME ? 0 : unread(one.id)}`,
    render: (one) =>
      entry(
        one.id,
        [
          h("span", { class: "sign" }, icon(one.sign)),
          h("span", {}, h("span", { class: "visually-hidden" }, `${world.told.app.name} `), one.label),
        ],
        one.id === HOME ? 0 : unread(one.id),
      ),
  });
}

/** How much somebody has not read, in the channels of their own department and in direct messages. */
function waitingFor(one) {
  const own = [...things.conversation.values()].filter(
    (place) => place.members.includes(one.id) && (place.user === one.id || place.name.includes(one.department)),
  );
  return own.reduce((sum, place) => sum + unread(place.id, one.id), 0);
}

function entry(id, label, count) {
  const here = id === seen.where;
  return h(
    "li",
    {},
    h(
      "button",
      {
        type: "button",
        class: count && !here ? "unread" : "",
        "aria-current": here ? "page" : null,
        "data-focus": id,
        "data-channel": id,
        onclick: () => go(id),
      },
      label,
      count && !here ? h("span", { class: "count", title: `${count} unread` }, count > 99 ? "99+" : String(count)) : null,
    ),
  );
}

function drawHead() {
  const head = screen().querySelector(".conversation > .conversation-head");
  const place = things.conversation.get(seen.where);
  const version = `${seen.where} ${place?.n}`;
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
  const shown = all.slice(-seen.most);
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
  if (seen.sought) highlight(pane);
  else if (atEnd) pane.scrollTop = pane.scrollHeight;
  markRead(id, all);
}

function nothing(id) {
  const place = things.conversation.get(id);
  return h(
    "p",
    { class: "empty" },
    h("strong", {}, place?.is_im ? `Nothing from ${world.told.app.name} yet` : `Nothing in #${place?.name ?? ""} yet`),
    place?.is_im ? "Reminders and escalations come here." : "Cases that this department owns come here as cards.",
  );
}

function showEarlier() {
  const pane = screen().querySelector("#messages");
  const fromEnd = pane.scrollHeight - pane.scrollTop;
  seen.most += SHOWN_AT_FIRST;
  draw();
  pane.scrollTop = pane.scrollHeight - fromEnd;
}

function list(element, shown, open) {
  reconcile(
    element,
    shown.map((one, at) => ({ one, before: shown[at - 1] ?? null })),
    {
      key: ({ one }) => one.ts,
      version: ({ one, before }) => `${versionOf(one, before, seen.me)} ${one.ts === seen.thread}`,
      render: ({ one, before }) => message(one, { before, me: seen.me, redraw: draw, openThread: open }),
    },
  );
}

function highlight(pane) {
  const found = pane.querySelector(`[data-ts="${CSS.escape(seen.sought)}"]`);
  if (!found) return;
  found.classList.add("arrived");
  found.scrollIntoView({ block: "center" });
  seen.sought = null;
}

function markRead(id, all) {
  const last = all.at(-1)?.ts;
  const name = `${seen.me}/${id}`;
  if (!last || document.hidden || !screen().offsetParent || (read[name] ?? "") >= last) return;
  read[name] = last;
  remembered.set("read", read);
  queueMicrotask(drawSidebar);
}

function openThread(ts) {
  seen.thread = ts;
  screen().querySelector("#thread-messages .messages").replaceChildren();
  draw();
  screen().querySelector(".thread-pane textarea").focus({ preventScroll: true });
}

function drawThread() {
  const pane = screen().querySelector(".thread-pane");
  const parent = seen.thread && things.message.get(`${seen.where}/${seen.thread}`);
  pane.hidden = !parent;
  if (!parent) return;
  const head = pane.querySelector(".conversation-head");
  if (!head.childElementCount) {
    const close = () => {
      const ts = seen.thread;
      seen.thread = null;
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
  const place = things.conversation.get(seen.where);
  head.querySelector("p").textContent = place?.is_im ? world.told.app.name : `#${place?.name ?? ""}`;
  const scroll = pane.querySelector(".scroll");
  const atEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 60 || !scroll.querySelector(".messages").childElementCount;
  list(scroll.querySelector(".messages"), [parent, ...(replies.get(`${seen.where}/${seen.thread}`) ?? []).filter(visible)], null);
  const box = pane.querySelector("textarea");
  box.placeholder = "Reply …";
  box.setAttribute("aria-label", "Reply in the thread");
  if (seen.sought) highlight(scroll);
  else if (atEnd) scroll.scrollTop = scroll.scrollHeight;
}

function drawHome() {
  const pane = screen().querySelector("#messages");
  const view = [...things.view.values()].find((one) => one.type === "home" && one.user === seen.me);
  pane.querySelector(".earlier").replaceChildren();
  const element = pane.querySelector(".messages");
  const surface = view && surfaceOf(view, seen.me, draw);
  reconcile(element, view ? [{ view }] : [{}], {
    key: ({ view: one }) => (one ? one.id : "nothing"),
    version: ({ view: one }) => `home ${one?.n ?? 0} ${seen.me}`,
    render: ({ view: one }) =>
      h(
        "li",
        { class: "home" },
        one
          ? one.blocks.map((block) => drawn(block, surface))
          : h(
              "p",
              { class: "empty" },
              h("strong", {}, "No Home yet"),
              `${world.told.app.name} has been told that ${person().name} is looking.`,
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
        : act("slack/say", { user: seen.me, channel: seen.where, text, ...(where === "thread" ? { thread_ts: seen.thread } : {}) })
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
  const seenNow = await act("slack/command", { user: seen.me, channel: seen.where, command: name, text: rest.join(" ") });
  if (seenNow.error) toast(seenNow.error, { bad: true });
}
