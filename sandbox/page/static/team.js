// The social team: the console in a frame, and everybody's mailbox.

import { asTabs, avatar, h, reconcile, tab } from "./dom.js";
import { act, ask } from "./hands.js";
import { icon } from "./icons.js";
import { clock, when } from "./time.js";
import { on, remembered, things } from "./world.js";

const LOOK_AGAIN_MS = 4000;
const SHOWN_AT_FIRST = 50;
const body = () => document.getElementById("team-body");
const seen = { tab: "console", whose: "", mail: null, most: SHOWN_AT_FIRST };
let looking = null;

export function team() {
  seen.tab = remembered.get("team", "console");
  asTabs(document.getElementById("team-tabs"), (name) => {
    seen.tab = name;
    remembered.set("team", name);
    draw();
  });
  body().append(
    h("div", { id: "console", role: "tabpanel", "aria-label": "Console" }),
    h("div", { id: "mailbox", class: "mailbox", role: "tabpanel", "aria-label": "Mailbox" }),
  );
  on("mail", draw);
  draw();
  lookAtConsole();
}

function draw() {
  const unopened = [...things.mail.values()].filter((mail) => !mail.opened_at && !mail.bounced_at).length;
  reconcile(
    document.getElementById("team-tabs"),
    [
      ["console", "Console", 0],
      ["mailbox", "Mailbox", unopened],
    ],
    {
      key: ([name]) => name,
      version: ([name, , count]) => `${name === seen.tab} ${count}`,
      render: ([name, label, count]) => tab(name, label, name === seen.tab, { panel: name, count: Math.min(count, 999) }),
    },
  );
  document.getElementById("console").hidden = seen.tab !== "console";
  document.getElementById("mailbox").hidden = seen.tab !== "mailbox";
  if (seen.tab === "mailbox") drawMailbox();
}

// The console

async function lookAtConsole() {
  clearTimeout(looking);
  const place = document.getElementById("console");
  const { url, up, frames } = await ask("GET", "/hands/console");
  const state = up ? (frames ? "framed" : "alone") : "down";
  if (place.dataset.state !== state) {
    place.dataset.state = state;
    place.replaceChildren(...{ framed: () => framed(url), alone: () => alone(url), down: () => down(url) }[state]());
  }
  if (state !== "framed") looking = setTimeout(lookAtConsole, LOOK_AGAIN_MS);
}

const outside = (url) => h("a", { class: "quiet small", href: url, target: "_blank", rel: "noopener" }, icon("outside"), "Open in a tab");

const framed = (url) => [
  h("div", { class: "console-bar" }, h("span", {}, url), outside(url)),
  h("iframe", { src: url, title: "Loopkeeper's console" }),
];

const alone = (url) => [
  h(
    "p",
    { class: "empty" },
    h("strong", {}, "The console is up, but shows itself in no frame"),
    "That is its own choice, and a sound one. ",
    h("a", { href: url, target: "_blank", rel: "noopener" }, "Open it in a tab"),
    ".",
  ),
];

const down = (url) => [
  h(
    "div",
    { class: "console-down" },
    h("span", { class: "pulse", "aria-hidden": "true" }),
    h("p", {}, h("strong", {}, "The console is not up yet")),
    h("p", {}, "Nobody answers at ", h("code", {}, url), "."),
    h(
      "p",
      {},
      "Start Loopkeeper and it appears here by itself. Until then, everything that customers post waits in the delivery log and is told as soon as somebody listens.",
    ),
  ),
];

// The mailbox

function drawMailbox() {
  const place = document.getElementById("mailbox");
  if (!place.childElementCount) {
    const whose = h("select", {
      class: "field",
      id: "inbox",
      "aria-label": "Whose mailbox",
      onchange: (event) => Object.assign(seen, { whose: event.target.value, mail: null }) && draw(),
    });
    place.append(
      h("div", { class: "mail-filter" }, whose),
      h("ol", { class: "mails", "aria-label": "Mails, newest first" }),
      h("div", { class: "mail-more" }),
      h("article", { class: "reading", "aria-live": "polite" }),
    );
  }
  const all = [...things.mail.values()].sort((one, other) => (one.sent_at < other.sent_at ? 1 : -1));
  const counts = new Map();
  for (const mail of all) counts.set(mail.to, (counts.get(mail.to) ?? 0) + 1);
  reconcile(place.querySelector("#inbox"), [["", all.length], ...[...counts].sort()], {
    key: ([address]) => address,
    version: ([, count]) => count,
    render: ([address, count]) =>
      h("option", { value: address, selected: address === seen.whose }, address ? `${address} (${count})` : `All mailboxes (${count})`),
  });
  const shown = all.filter((mail) => !seen.whose || mail.to === seen.whose);
  reconcile(place.querySelector(".mails"), shown.slice(0, seen.most), {
    key: (mail) => mail.id,
    version: (mail) => `${mail.n} ${mail.id === seen.mail}`,
    render: (mail) => h("li", {}, line(mail)),
  });
  const left = shown.length - seen.most;
  const more =
    left > 0
      ? h(
          "button",
          { type: "button", class: "button small more", onclick: () => (seen.most += SHOWN_AT_FIRST) && draw() },
          `Show ${Math.min(left, SHOWN_AT_FIRST)} more`,
        )
      : null;
  place
    .querySelector(".mail-more")
    .replaceChildren(
      ...(all.length
        ? [more].filter(Boolean)
        : [h("p", { class: "empty" }, h("strong", {}, "No mail yet"), "Whatever Loopkeeper writes to people's addresses lands here.")]),
    );
  place.dataset.reading = seen.mail ?? "";
  drawReading(place.querySelector(".reading"));
}

function line(mail) {
  const open = () => {
    seen.mail = mail.id;
    draw();
    if (!mail.opened_at) act("mail/open", { id: mail.id });
  };
  const state = mail.bounced_at ? h("span", { class: "chip bad" }, "bounced") : null;
  return h(
    "button",
    {
      type: "button",
      class: `mail${mail.opened_at || mail.bounced_at ? "" : " unopened"}`,
      "aria-current": mail.id === seen.mail ? "true" : null,
      "data-focus": mail.id,
      onclick: open,
    },
    h("span", { class: "mail-from" }, mail.sender_name ?? mail.sender),
    h("span", { class: "mail-when" }, when(mail.sent_at, clock)),
    h("span", { class: "mail-subject" }, mail.subject),
    h("span", { class: "mail-to" }, `to ${mail.to}`, " ", state),
  );
}

function drawReading(pane) {
  const mail = things.mail.get(seen.mail);
  const version = mail ? `${mail.id} ${mail.bounced_at} ${seen.part}` : "";
  if (pane.dataset.version === version) return;
  pane.dataset.version = version;
  pane.hidden = !mail;
  if (!mail) {
    pane.replaceChildren();
    return;
  }
  const part = seen.part ?? (mail.html ? "html" : "text");
  const show = (name) => () => {
    seen.part = name;
    draw();
  };
  const switches =
    mail.html && mail.text
      ? [
          ["html", "As sent"],
          ["text", "Plain text"],
        ].map(([name, label]) =>
          h("button", { type: "button", class: "quiet small", "aria-pressed": String(part === name), onclick: show(name) }, label),
        )
      : [];
  const back = h(
    "button",
    {
      type: "button",
      class: "quiet icon-only",
      "aria-label": "Back to the list",
      onclick: () => Object.assign(seen, { mail: null, part: null }) && draw(),
    },
    icon("back"),
  );
  const bounce = h(
    "button",
    { type: "button", class: "quiet small", disabled: Boolean(mail.bounced_at), onclick: () => act("mail/bounce", { id: mail.id }) },
    mail.bounced_at ? "Bounced" : "Let it bounce",
  );
  pane.replaceChildren(
    h("header", {}, back, h("h2", {}, mail.subject)),
    h(
      "div",
      { class: "reading-who" },
      avatar(mail.sender_name ?? mail.sender),
      h(
        "p",
        {},
        h("strong", {}, mail.sender_name ?? mail.sender),
        " ",
        h("span", {}, `<${mail.sender}>`),
        h("br"),
        h("span", {}, `to ${mail.to_name ?? mail.to}, `, when(mail.sent_at, clock)),
      ),
    ),
    h("div", { class: "reading-acts" }, switches, h("span", { class: "spacer" }), bounce),
    part === "html" && mail.html
      ? h("iframe", {
          src: `/mail/${encodeURIComponent(mail.id)}`,
          sandbox: "allow-popups allow-popups-to-escape-sandbox",
          title: `Mail: ${mail.subject}`,
        })
      : h("div", { class: "mail-text" }, linked(mail.text ?? "")),
  );
}

const LINKS = /https?:\/\/[^\s<>]+[^\s<>.,;:!?'")\]]/g;

function linked(text) {
  const parts = [];
  let from = 0;
  for (const found of text.matchAll(LINKS)) {
    parts.push(text.slice(from, found.index), h("a", { href: found[0], target: "_blank", rel: "noopener noreferrer" }, found[0]));
    from = found.index + found[0].length;
  }
  return [...parts, text.slice(from)];
}
