// The drawer: what is on its way to Loopkeeper, and how the world is made to fail.

import { h, reconcile } from "./dom.js";
import { act, ask } from "./hands.js";
import { icon } from "./icons.js";
import { clock, when } from "./time.js";
import { on, things, world } from "./world.js";

const SHOWN_AT_FIRST = 60;
const drawerElement = () => document.getElementById("drawer");
const seen = { open: null, only: "all" };

/** What can go wrong: how it is called, and what it means. */
const KINDS = {
  lose_answer: [
    "Done, but the answer is lost",
    "It is carried out, then the connection breaks. Whoever asked cannot know, and must look before trying again.",
  ],
  fail_after: ["Done, but answered with 500", "It is carried out, and the answer claims that it failed."],
  fail_before: ["Not done, answered with 500", "Nothing is carried out, and the answer says so."],
  hang: ["No answer at all", "The connection stays open and silent until whoever asked gives up."],
  refuse: ["Connection cut", "The connection breaks before the request is read."],
  rate_limit: ["Too many requests (429)", "Nothing is carried out; the answer says when to come back."],
  down: ["Down", "Nothing gets through until you clear it."],
  hold: ["Done, but the answer is held", "It is carried out; the answer waits until you release it."],
  blind: [
    "Cannot look things up",
    "When Loopkeeper looks for its own message, nothing certain is found. What it cannot decide, it asks a person.",
  ],
  deliver_twice: ["Delivered twice", "The same delivery comes again at once, under the same id."],
  reorder: ["Delivered late", "The delivery comes after the one that follows it."],
  drop_once: ["First delivery lost", "The first attempt never arrives; it is repeated later."],
};
const ASKED = ["lose_answer", "fail_after", "fail_before", "hang", "refuse", "rate_limit", "down", "hold"];
const PARTIES = {
  square: ["Public square", [...ASKED, "blind"]],
  slack: ["Slack", [...ASKED, "blind"]],
  mail: ["Mail service", ASKED],
  webhooks: ["Posts on their way in", ["lose_answer", "deliver_twice", "reorder", "drop_once", "down"]],
  interactions: ["Slack presses on their way in", ["lose_answer", "deliver_twice", "drop_once", "down"]],
};

export function drawer() {
  for (const [id, name, sign] of [
    ["open-log", "log", "truck"],
    ["open-faults", "faults", "bolt"],
  ]) {
    const button = document.getElementById(id);
    button.prepend(icon(sign));
    button.addEventListener("click", () => toggle(seen.open === name ? null : name));
  }
  // What had the focus may be gone, as a fault that was cleared is, so the whole page listens.
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && seen.open && !event.target.closest("dialog, .slack, .reply-form")) toggle(null);
  });
  on("delivery fault", draw);
  draw();
}

function toggle(name) {
  const before = seen.open;
  seen.open = name;
  drawerElement().hidden = !name;
  document.getElementById("open-log").setAttribute("aria-expanded", String(name === "log"));
  document.getElementById("open-faults").setAttribute("aria-expanded", String(name === "faults"));
  if (name) {
    const close = h(
      "button",
      { type: "button", class: "quiet icon-only", "aria-label": "Close", onclick: () => toggle(null) },
      icon("close"),
    );
    drawerElement().replaceChildren(...(name === "log" ? log(close) : faults(close)));
    draw();
    drawerElement().querySelector("select").focus({ preventScroll: true });
  } else if (before) {
    document.getElementById(before === "log" ? "open-log" : "open-faults").focus();
  }
}

function draw() {
  const waiting = [...things.delivery.values()].filter((one) => one.state === "waiting" || one.state === "retrying").length;
  const set = [...things.fault.values()].filter((one) => !spent(one));
  chip("log-count", waiting ? `${waiting} waiting` : "all delivered", waiting ? "warn" : "good idle");
  chip("fault-count", set.length ? String(set.length) : "none", set.length ? "bad" : "idle");
  if (seen.open === "log") drawLog();
  if (seen.open === "faults") drawFaults(set);
}

function chip(id, words, look) {
  const element = document.getElementById(id);
  element.textContent = words;
  element.className = `chip ${look}`;
}

// Deliveries

function log(close) {
  const only = h(
    "select",
    { class: "field", "aria-label": "Which", onchange: (event) => (seen.only = event.target.value) && draw() },
    [
      ["all", "Everything"],
      ["open", "Not delivered"],
      ["square", "Channel webhooks"],
      ["slack/events", "Slack events"],
      ["slack/interactions", "Slack interactions"],
      ["sendgrid", "Mail events"],
    ].map(([value, label]) => h("option", { value, selected: value === seen.only }, label)),
  );
  const again = h("button", { type: "button", class: "button small", onclick: () => act("deliveries/retry") }, "Try all again now");
  const columns = ["When", "From", "What", "About", "State", "Tries", "Answer"];
  return [
    h(
      "header",
      { class: "drawer-head" },
      h("h2", {}, "What was delivered to Loopkeeper"),
      only,
      again,
      h("span", { class: "spacer" }),
      close,
    ),
    h(
      "div",
      { class: "log", tabindex: "0", role: "region", "aria-label": "Deliveries" },
      h(
        "table",
        {},
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            columns.map((name) => h("th", { scope: "col" }, name)),
          ),
        ),
        h("tbody", { id: "log" }),
      ),
      h("p", { class: "empty", id: "log-empty" }, "Nothing yet. What customers write, and what people press, shows here."),
    ),
  ];
}

const LOOKS = { delivered: "good", failed: "bad", retrying: "warn", waiting: "" };

function drawLog() {
  const wanted = (one) => seen.only === "all" || (seen.only === "open" ? one.state !== "delivered" : one.sender.startsWith(seen.only));
  const shown = [...things.delivery.values()]
    .filter(wanted)
    .slice(-SHOWN_AT_FIRST)
    .sort((one, other) => other.n - one.n);
  document.getElementById("log-empty").hidden = shown.length > 0;
  reconcile(document.getElementById("log"), shown, {
    key: (one) => one.id,
    version: (one) => one.n,
    render: (one) =>
      h(
        "tr",
        {},
        h("td", {}, one.last ? when(one.last.at, clock) : "now"),
        h("td", {}, one.sender),
        h("td", {}, one.what),
        h("td", { class: "about", title: one.about }, about(one)),
        h("td", {}, h("span", { class: `chip ${LOOKS[one.state]}` }, one.state)),
        h("td", { class: "number" }, String(one.tries)),
        h("td", { class: "answer" }, answer(one)),
      ),
  });
}

/** What a delivery is about, in words where there are any. */
function about({ sender, about: name }) {
  const post = things.post.get(`${sender.slice(7)}/${name}`);
  if (sender.startsWith("square/") && post) return `@${post.author.handle}: ${post.text}`;
  const message = things.message.get(name);
  if (message) return `${placeOf(message)}: ${headline(message)}`;
  const person = world.people.get(name);
  return person ? person.name : name;
}

function placeOf(message) {
  const place = things.conversation.get(message.channel);
  return place?.is_im ? `to ${world.people.get(place.user)?.name ?? "somebody"}` : `#${place?.name ?? message.channel}`;
}

const headline = (message) => message.blocks?.find((block) => block.type === "header")?.text.text ?? message.text;

function answer(one) {
  if (!one.last) return "on its way";
  const said = one.last.status ? `${one.last.status} in ${one.last.took_ms} ms` : one.last.error;
  if (one.state !== "retrying") return said;
  return [
    `${said}; again at `,
    when(one.next_try_at, clock),
    " ",
    h("button", { type: "button", class: "quiet small", onclick: () => act("deliveries/retry", { id: one.id }) }, "Now"),
  ];
}

// Faults

const spent = (fault) => fault.cleared || (fault.order.count && fault.struck >= fault.order.count);

function faults(close) {
  const form = h(
    "form",
    { class: "fault-form", onsubmit: (event) => event.preventDefault() || set(form) },
    labelled(
      "Who fails",
      h(
        "select",
        { class: "field", name: "party", onchange: () => kinds(form) },
        Object.entries(PARTIES).map(([value, [label]]) => h("option", { value }, label)),
      ),
    ),
    labelled("What happens", h("select", { class: "field", name: "kind", onchange: () => details(form) })),
    labelled(
      "How often",
      h(
        "select",
        { class: "field", name: "often" },
        [
          ["1", "the next time"],
          ["3", "the next 3 times"],
          ["", "every time"],
          ["p0.5", "half of the times"],
          ["p0.1", "one time in ten"],
        ].map(([value, label]) => h("option", { value }, label)),
      ),
    ),
    labelled("Only for (optional)", h("input", { class: "field", name: "match", placeholder: "chat.postMessage, /x/ …" })),
    labelled(
      "Come back after (s)",
      h("input", { class: "field", name: "seconds", type: "number", min: "0", max: "3600", value: "5" }),
      "only-rate_limit",
    ),
    h("label", { class: "check only-hang" }, h("input", { type: "checkbox", name: "acts", checked: true }), "it is done all the same"),
    h("button", { class: "button primary" }, "Set"),
    h("p", { class: "fault-means", "aria-live": "polite" }),
  );
  kinds(form);
  const clear = h(
    "button",
    { type: "button", id: "clear-faults", class: "button small", onclick: () => ask("DELETE", "/hands/fault") },
    "Clear all",
  );
  const release = h(
    "button",
    { type: "button", id: "release-held", class: "button small", hidden: true, onclick: () => act("fault/release").then(held) },
    "Release what is held",
  );
  return [
    h("header", { class: "drawer-head" }, h("h2", {}, "Make the world fail"), clear, release, h("span", { class: "spacer" }), close),
    h(
      "p",
      { class: "fault-why" },
      "Choose who fails, and how. Loopkeeper is to come through each of these without losing a post and without saying anything twice.",
    ),
    form,
    h("ul", { id: "faults", class: "faults" }),
    h("p", { id: "held", class: "held" }),
  ];
}

const labelled = (label, field, extra = "") => h("label", { class: `labelled ${extra}` }, h("span", {}, label), field);

function kinds(form) {
  form.elements.kind.replaceChildren(...PARTIES[form.elements.party.value][1].map((kind) => h("option", { value: kind }, KINDS[kind][0])));
  details(form);
}

function details(form) {
  const kind = form.elements.kind.value;
  form.querySelector(".fault-means").textContent = KINDS[kind][1];
  for (const name of ["rate_limit", "hang"]) form.querySelector(`.only-${name}`).hidden = kind !== name;
}

async function set(form) {
  const { party, kind, often, match, seconds, acts } = form.elements;
  const order = { party: party.value, kind: kind.value, match: match.value.trim() };
  if (often.value.startsWith("p")) order.probability = Number(often.value.slice(1));
  else if (often.value) order.count = Number(often.value);
  if (kind.value === "rate_limit") order.seconds = Number(seconds.value);
  if (kind.value === "hang") order.acts = acts.checked;
  await act("fault", order);
}

function drawFaults(set) {
  document.getElementById("clear-faults").hidden = !set.length;
  reconcile(document.getElementById("faults"), set, {
    key: (one) => one.id,
    version: (one) => one.n,
    render: (one) =>
      h(
        "li",
        {},
        h("span", { class: "chip bad" }, PARTIES[one.order.party][0]),
        h(
          "span",
          {},
          h("strong", {}, KINDS[one.order.kind][0]),
          one.order.match ? [" where ", h("code", {}, one.order.match)] : "",
          `, ${howOften(one.order)}`,
        ),
        h("span", { class: "struck" }, one.struck === 1 ? "struck once" : `struck ${one.struck} times`),
        h("button", { type: "button", class: "quiet small", onclick: () => ask("DELETE", `/hands/fault?id=${one.id}`) }, "Clear"),
      ),
  });
  held();
}

const howOften = ({ count, probability }) =>
  count ? (count === 1 ? "once" : `${count} times`) : probability < 1 ? `${Math.round(probability * 100)} % of the time` : "every time";

async function held() {
  const { held: all } = await ask("GET", "/hands/fault");
  const place = document.getElementById("held");
  if (place) document.getElementById("release-held").hidden = !all.length;
  if (place) place.textContent = all.length ? `Held now: ${all.map((one) => one.address).join(", ")}` : "";
}
