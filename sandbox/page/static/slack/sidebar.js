// The rail: whose seat it is, their channels, and the app.

import { h, reconcile } from "../dom.js";
import { act } from "../hands.js";
import { icon } from "../icons.js";
import { toast } from "../toast.js";
import { world } from "../world.js";
import { direct, HOME, mine, person, seat, unread, waitingFor } from "./seat.js";

/** Brings the rail up to date. `go(where)` opens a channel, `become(person)` takes another seat. */
export function drawSidebar(bar, { go, become }) {
  if (!bar.childElementCount) {
    const choose = h("select", { id: "person", class: "person", onchange: (event) => become(event.target.value) });
    bar.append(
      h("div", { class: "workspace" }, world.told.team.name),
      h("label", { class: "you", for: "person" }, "You are"),
      choose,
      h("p", { class: "you-title" }),
      h("h2", { id: "elsewhere-title" }, "News for others"),
      h("ul", { class: "elsewhere", "aria-labelledby": "elsewhere-title" }),
      h("h2", { id: "channels-title" }, "Channels"),
      h("ul", { class: "channel-list", "aria-labelledby": "channels-title" }),
      h("h2", { id: "apps-title" }, "Apps"),
      h("ul", { class: "app-list", "aria-labelledby": "apps-title" }),
    );
  }
  const everyone = world.told.people.map((one) => ({ ...one, news: waitingFor(one) }));
  reconcile(bar.querySelector("#person"), everyone, {
    key: (one) => one.id,
    version: (one) => `${one.news} ${one.id === seat.me}`,
    render: (one) =>
      h(
        "option",
        { value: one.id, selected: one.id === seat.me },
        `${one.name}${one.news ? ` (${one.news > 99 ? "99+" : one.news})` : ""}`,
      ),
  });
  bar.querySelector("#person").value = seat.me;
  bar.querySelector(".you-title").textContent = person().title;
  drawElsewhere(bar, everyone, become);
  reconcile(bar.querySelector(".channel-list"), mine(), {
    key: (one) => one.id,
    version: (one) => `${one.id === seat.where} ${unread(one.id)}`,
    render: (one) => entry(one.id, one.is_mpim ? icon("smile") : "#", one.name, () => go(one.id)),
  });
  const im = direct();
  const apps = [{ id: HOME, sign: "home", label: "Home" }, ...(im ? [{ id: im.id, sign: "thread", label: "Messages" }] : [])];
  const shortcuts = world.told.app.shortcuts.filter((one) => !one.on_message);
  reconcile(bar.querySelector(".app-list"), [...apps, ...shortcuts], {
    key: (one) => one.id ?? one.callback_id,
    version: (one) => `${one.id === seat.where} ${one.id ? unread(one.id) : ""}`,
    render: (one) =>
      one.id
        ? entry(one.id, icon(one.sign), [h("span", { class: "visually-hidden" }, `${world.told.app.name} `), one.label], () => go(one.id))
        : entry(one.callback_id, icon("bolt"), one.name, () => use(one)),
  });
}

/** Where a card waits that nobody of a department has seen: one person for each, so that one need not try every seat. */
function drawElsewhere(bar, everyone, become) {
  const departments = new Map();
  for (const one of everyone) departments.set(one.department, [...(departments.get(one.department) ?? []), one]);
  departments.delete(person().department);
  const others = [...departments.values()].filter((people) => people.every((one) => one.news)).map(([first]) => first);
  bar.querySelector("#elsewhere-title").hidden = !others.length;
  reconcile(bar.querySelector(".elsewhere"), others, {
    key: (one) => one.id,
    version: (one) => one.news,
    render: (one) =>
      h(
        "li",
        {},
        h(
          "button",
          { type: "button", class: "unread", title: `Be ${one.name}, ${one.title}`, onclick: () => become(one.id) },
          h("span", { class: "entry-name" }, one.name),
          h("span", { class: "count", title: `${one.news} unread` }, one.news > 99 ? "99+" : String(one.news)),
        ),
      ),
  });
}

function entry(id, sign, label, choose) {
  const here = id === seat.where;
  const count = here ? 0 : unread(id);
  const attributes = { class: count ? "unread" : "", "aria-current": here ? "page" : null, "data-focus": id, "data-channel": id };
  return h(
    "li",
    {},
    h(
      "button",
      { type: "button", ...attributes, onclick: choose },
      h("span", { class: "sign", "aria-hidden": "true" }, sign),
      h("span", { class: "entry-name" }, label),
      count ? h("span", { class: "count", title: `${count} unread` }, count > 99 ? "99+" : String(count)) : null,
    ),
  );
}

/** A shortcut that is used from anywhere. */
async function use(shortcut) {
  const seen = await act("slack/shortcut", { user: seat.me, callback_id: shortcut.callback_id });
  if (seen.error) toast(seen.error, { bad: true });
}
