// One message: who, when, what, and what can be done with it.

import { avatar, h } from "../dom.js";
import { act } from "../hands.js";
import { icon } from "../icons.js";
import { ago, clock } from "../time.js";
import { replies, world } from "../world.js";
import { blocks } from "./blocks.js";
import { emoji } from "./emoji.js";
import { mrkdwn } from "./mrkdwn.js";

const TOGETHER_SECONDS = 300;
const REACTIONS = ["eyes", "white_check_mark", "+1"];
const failures = new Map();

/** Who wrote it, as Slack shows them. */
export function writer(message) {
  const { app } = world.told;
  if (message.user === app.user_id) return { name: message.username ?? app.name, isApp: true };
  return { name: world.people.get(message.user)?.name ?? message.user, isApp: false };
}

/** Whether a message follows on from the one before it, so that its writer need not be named again. */
export const followsOn = (message, before) =>
  Boolean(before) &&
  before.user === message.user &&
  !message.ephemeral_to === !before.ephemeral_to &&
  !before.reply_count &&
  Number(message.ts) - Number(before.ts) < TOGETHER_SECONDS &&
  !message.blocks &&
  !before.blocks;

/** What makes the drawing of a message out of date. */
export const versionOf = (message, before, me) => `${message.n} ${followsOn(message, before)} ${failures.get(message.key) ?? ""} ${me}`;

const stamp = (ts, say) => {
  const moment = Number(ts) * 1000;
  const element = h("time", { datetime: new Date(moment).toISOString(), title: new Date(moment).toLocaleString() }, say(moment));
  return element;
};

/** The message's element. `openThread(ts)` shows its thread; in a thread pane there is none. */
export function message(one, { before = null, me, redraw, openThread = null }) {
  const { name, isApp } = writer(one);
  const follows = followsOn(one, before);
  const surface = {
    where: { user: me, channel: one.channel, message_ts: one.ts },
    press: async (block, element, value) => {
      failures.delete(one.key);
      const seen = await act("slack/press", {
        user: me,
        channel: one.channel,
        message_ts: one.ts,
        action_id: element.action_id,
        block_id: block.block_id,
        value,
      });
      if (seen.error) failures.set(one.key, seen.error);
      redraw();
    },
  };
  const isNew = one.fresh && Date.now() / 1000 - Number(one.ts) < 4;
  return h(
    "li",
    { class: `message${follows ? " follows" : ""}${one.ephemeral_to ? " ephemeral" : ""}${isNew ? " arrived" : ""}`, "data-ts": one.ts },
    follows
      ? h(
          "span",
          { class: "message-gutter" },
          stamp(one.ts, (moment) => clock(moment).slice(-5)),
        )
      : avatar(name, { corners: true, mark: isApp ? appMark() : null }),
    h(
      "article",
      { class: "message-body", "aria-label": `${name}` },
      one.ephemeral_to ? h("p", { class: "message-private" }, icon("eye"), "Only visible to you") : null,
      follows
        ? null
        : h("header", {}, h("strong", {}, name), isApp ? h("span", { class: "app-badge" }, "App") : null, stamp(one.ts, clock)),
      content(one, surface),
      failures.has(one.key) ? h("p", { class: "complaint", role: "alert" }, icon("warning"), failures.get(one.key)) : null,
      reactions(one, me),
      openThread && one.reply_count ? threadLink(one, openThread) : null,
    ),
    tools(one, me, openThread),
  );
}

export function appMark() {
  const mark = icon("reply");
  mark.querySelector("path").setAttribute("d", "M19 12a7 7 0 1 1-2.4-5.3M19.4 3.6v4.2h-4.2");
  return mark;
}

function content(one, surface) {
  const edited = one.edited ? h("span", { class: "edited" }, " (edited)") : null;
  if (one.blocks) return h("div", { class: "message-blocks" }, blocks(one.blocks, surface), attachments(one, surface));
  return h("div", { class: "message-blocks" }, h("div", { class: "bk-text" }, mrkdwn(one.text), edited), attachments(one, surface));
}

function attachments(one, surface) {
  return (one.attachments ?? []).map((attached) => {
    const parts = [
      attached.pretext ? h("div", { class: "bk-text" }, mrkdwn(attached.pretext)) : null,
      attached.title ? h("strong", {}, mrkdwn(attached.title)) : null,
      attached.text ? h("div", { class: "bk-text" }, mrkdwn(attached.text)) : null,
      (attached.fields ?? []).map((field) =>
        h("div", { class: "bk-text" }, h("strong", {}, field.title), " ", mrkdwn(String(field.value ?? ""))),
      ),
      attached.blocks ? blocks(attached.blocks, surface) : null,
    ];
    const element = h("div", { class: "attachment" }, parts);
    if (/^#[0-9a-f]{6}$/i.test(attached.color ?? "")) element.style.setProperty("--bar", attached.color);
    return element;
  });
}

function reactions(one, me) {
  if (!one.reactions?.length) return null;
  return h(
    "ul",
    { class: "reactions", "aria-label": "Reactions" },
    one.reactions.map((reaction) => {
      const names = reaction.users.map((user) => writer({ user }).name).join(", ");
      return h(
        "li",
        { class: reaction.users.includes(me) ? "mine" : "", title: `${names}: ${reaction.name}` },
        emoji(reaction.name),
        " ",
        String(reaction.count),
      );
    }),
  );
}

function threadLink(one, openThread) {
  const answers = replies.get(`${one.channel}/${one.ts}`) ?? [];
  const faces = [...new Set(answers.map((answer) => writer(answer).name))].slice(0, 3);
  const count = one.reply_count === 1 ? "1 reply" : `${one.reply_count} replies`;
  return h(
    "button",
    { type: "button", class: "thread-link", "data-focus": "thread", onclick: () => openThread(one.ts) },
    h(
      "span",
      { class: "faces" },
      faces.map((name) => avatar(name, { corners: true, mark: name === world.told.app.name ? appMark() : null })),
    ),
    h("strong", {}, count),
    h("span", { class: "last" }, "last ", stamp(one.latest_reply, ago)),
  );
}

function tools(one, me, openThread) {
  if (one.ephemeral_to) return null;
  const react = (name) => act("slack/react", { user: me, channel: one.channel, ts: one.ts, name });
  return h(
    "div",
    { class: "tools" },
    REACTIONS.map((name) =>
      h(
        "button",
        { type: "button", title: `React with :${name}:`, "aria-label": `React with ${name}`, onclick: () => react(name) },
        emoji(name),
      ),
    ),
    openThread
      ? h(
          "button",
          { type: "button", title: "Reply in thread", "aria-label": "Reply in thread", onclick: () => openThread(one.ts) },
          icon("thread"),
        )
      : null,
    world.told.app.shortcuts
      .filter((shortcut) => shortcut.on_message)
      .map((shortcut) =>
        h(
          "button",
          {
            type: "button",
            onclick: () => act("slack/shortcut", { user: me, callback_id: shortcut.callback_id, channel: one.channel, message_ts: one.ts }),
          },
          shortcut.name,
        ),
      ),
  );
}
