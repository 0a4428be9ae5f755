// What pages can do beside native forms and links: moments in the browser's own zone; and on the console time left that is always true,
// pages that follow what happens, keys. Everything works without it. It is one file, so that no page takes more than five requests.

const main = document.getElementById("main") ?? document.body;
const isConsole = "now" in main.dataset;
const find = (selector, within = document) => [...within.querySelectorAll(selector)];

/* --- Moments: without this they are told in the zone that the reader keeps, or the brand's, which is named. --- */

const locale = document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang;
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const date = { weekday: "short", day: "numeric", month: "short" }, time = { hour: "2-digit", minute: "2-digit" };
const forms = {
  brief: { ...date, ...time },
  past: { ...date, year: "numeric", ...time },
  exact: { year: "numeric", month: "short", day: "numeric", ...time, second: "2-digit" },
  full: { weekday: "long", day: "numeric", month: "long", year: "numeric", ...time, timeZoneName: "short" },
};
const made = {};

function told(at, form) {
  made[form] ??= new Intl.DateTimeFormat(locale, forms[form]);
  return made[form].format(at).replace("GMT-", "GMT\u2011"); // which does not break
}

/** Every `<time>` that names a moment; a day alone is the same day everywhere. What the server said stays as its title. */
export function localTimes(within) {
  for (const one of within.querySelectorAll("time[datetime*=T]")) {
    const at = new Date(one.dateTime);
    if ("left" in one.dataset) {
      one.title = told(at, "brief");
    } else if (!one.title) {
      one.title = one.textContent;
      one.textContent = told(at, one.dataset.form ?? (at.getFullYear() === new Date().getFullYear() ? "brief" : "past"));
    }
  }
}

/* --- Time left: counted from the server's clock by the wall clock, so that a tab that slept is right when it wakes. --- */

const words = JSON.parse(main.dataset.words ?? "{}");
let clock;

/** A sentence in the page's language, as the server's templates have it. */
function said(name, values = {}) {
  return words[name].replace(/%\((\w+)\)s/g, (_, place) => values[place]);
}

/** Counted from when a page was asked for: the tab may sleep before it reads the answer. */
function setClock(from, asked) {
  clock = { server: Number(from.dataset.now) * 1000, here: asked, speed: Number(from.dataset.speed) };
}

function now() {
  return clock.server + (Date.now() - clock.here) * clock.speed;
}

function span(seconds) {
  const minutes = Math.floor(seconds / 60), hours = Math.floor(minutes / 60), days = Math.floor(hours / 24);
  if (minutes < 1) return said("seconds", { seconds: Math.floor(seconds) });
  if (hours < 1) return said("minutes", { minutes });
  return days < 2 ? said("hours", { hours, minutes: minutes % 60 }) : said("days", { days, hours: hours % 24 });
}

function tick() {
  for (const time of find("time[data-left]")) {
    const seconds = (Date.parse(time.dateTime) - now()) / 1000;
    const text = seconds > 0 ? said("left", { span: span(seconds) }) : said("late", { span: span(-seconds) });
    if (time.textContent !== text) time.textContent = text;
    time.dataset.state = seconds <= 0 ? "late" : seconds < 15 * 60 ? "soon" : "fine";
  }
}

/* --- Pages that follow: fragments made by the server take the place of those that are shown. --- */

const spacing = 1500;
let refreshing = false, wanted = false, last = 0, timer = 0;
const heard = new Set(), shown = new Map();

function isBusy(part) {
  const active = document.activeElement;
  if (part.contains(active) && active.matches("input, textarea, select")) return true;
  return find("input:not([type=hidden]), textarea", part).some((field) => field.value !== field.defaultValue);
}

function swap(page, asked) {
  const fresh = page.getElementById("main");
  setClock(fresh, asked);
  document.title = page.title || document.title;
  for (const part of find("[data-part]", page)) {
    const there = document.getElementById(part.id);
    if (!there?.matches("[data-part]") || isBusy(there) || part.innerHTML === shown.get(part.id)) continue;
    shown.set(part.id, part.innerHTML);
    const active = there.contains(document.activeElement) ? document.activeElement : null;
    const open = new Set(find("details[open]", there).map((one) => one.id));
    there.replaceChildren(...part.childNodes);
    localTimes(there);
    for (const details of find("details", there)) if (open.has(details.id)) details.open = true;
    if (active) again(active, there);
  }
  for (const id of heard) for (const one of find(`[data-case="${CSS.escape(id)}"]`)) one.classList.add("changed");
  heard.clear();
  const form = document.querySelector("form[data-turn]"), news = document.getElementById("news");
  if (form && news) news.hidden = Number(fresh.dataset.turn) <= Number(form.dataset.turn);
  tick();
}

/** Focus stays on what was focused, though it was made anew. */
function again(active, within) {
  const same = active.id ? document.getElementById(active.id)
    : find("a[href]", within).find((link) => link.getAttribute("href") === active.getAttribute("href"));
  same?.focus({ preventScroll: true });
}

async function refresh() {
  wanted = true;
  if (isOut || refreshing || timer || document.visibilityState !== "visible" || !main.dataset.refresh) return;
  const wait = last + spacing - Date.now();
  if (wait > 0) {
    timer = setTimeout(() => { timer = 0; refresh(); }, wait);
    return;
  }
  refreshing = true;
  wanted = false;
  last = Date.now();
  try {
    const answer = await fetch(main.dataset.refresh, { headers: { "x-parts": "1" } });
    if (answer.status === 401) leave();
    else if (answer.ok && !answer.redirected) swap(new DOMParser().parseFromString(await answer.text(), "text/html"), last);
  } catch {
    wanted = true; // the stream says when the server is back
  }
  refreshing = false;
  if (wanted && last) timer = setTimeout(() => { timer = 0; refresh(); }, spacing);
}

function hear(ids) {
  const about = main.dataset.about;
  for (const id of ids) heard.add(id);
  if (!about || ids.includes(about) || ids.includes("*")) refresh();
}

/* --- The stream: one tab has it and tells the others, because a browser opens few connections to a server. --- */

const silence = 45_000;
const others = "BroadcastChannel" in window ? new BroadcastChannel("loopkeeper") : null;
const live = document.getElementById("live");
let holds = false, isOut = false, source = null, spoke = 0;

function show(state) {
  live.dataset.state = state;
  live.textContent = said(state);
}

function tell(message) {
  others?.postMessage(message);
  take(message);
}

function take(message) {
  if (message.state && !isOut) show(message.state);
  if (message.ids) hear(message.ids);
  if (message.asks && holds) others.postMessage({ state: live.dataset.state || "away" });
}

/** The session is over. The page stays as it is, with the words that somebody is writing; the next click leads to the sign-in. */
function leave() {
  isOut = true;
  source?.close();
  show("out");
}

function listen() {
  source?.close();
  if (isOut) return;
  spoke = Date.now();
  source = new EventSource("/console/stream");
  source.onopen = () => { spoke = Date.now(); tell({ state: "live", ids: ["*"] }); }; // whatever was missed meanwhile
  source.onmessage = (event) => { spoke = Date.now(); tell({ ids: [event.data] }); };
  source.addEventListener("alive", () => { spoke = Date.now(); });
  source.onerror = () => {
    tell({ state: "away" });
    if (source.readyState === EventSource.CLOSED) refresh(); // it was refused: that says why
  };
}

function follow() {
  holds = true;
  listen();
  setInterval(() => { if (Date.now() - spoke > silence || source.readyState === EventSource.CLOSED) listen(); }, 5000);
  return new Promise(() => {}); // held until this tab is closed
}

if (main.dataset.refresh) {
  others?.addEventListener("message", (event) => take(event.data));
  if (navigator.locks && others) navigator.locks.request("loopkeeper-stream", follow);
  else follow();
  others?.postMessage({ asks: true });
  setInterval(refresh, 60_000); // the truth, whatever was heard
  document.addEventListener("visibilitychange", () => { tick(); if (document.visibilityState === "visible") refresh(); });
}

/* --- Keys. --- */

const keysAreOn = () => localStorage.getItem("loopkeeper-keys") !== "off";
let going = false, help = null;

async function showHelp() {
  if (!help) {
    const answer = await fetch("/console/keys", { headers: { "x-parts": "1" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    help = document.createElement("dialog");
    help.setAttribute("aria-labelledby", "keystitle");
    const close = document.createElement("button");
    close.textContent = said("close");
    close.addEventListener("click", () => help.close());
    help.append(...page.getElementById("keys").childNodes, close);
    document.body.append(help);
    setSwitch(help);
  }
  help.showModal();
}

function setSwitch(within) {
  for (const box of find("#keyson", within)) {
    box.checked = keysAreOn();
    box.addEventListener("change", () => localStorage.setItem("loopkeeper-keys", box.checked ? "on" : "off"));
  }
}

function step(by) {
  const links = find("[data-case] h3 a, tr[data-case] .which a");
  const at = links.indexOf(document.activeElement);
  links[Math.max(0, Math.min(links.length - 1, at < 0 ? 0 : at + by))]?.focus();
}

function aside(by) {
  const columns = find(".column").map((column) => find("h3 a", column)).filter((links) => links.length);
  const at = columns.findIndex((links) => links.includes(document.activeElement));
  if (at < 0) return step(0);
  const row = columns[at].indexOf(document.activeElement);
  const there = columns[Math.max(0, Math.min(columns.length - 1, at + by))];
  return there[Math.min(row, there.length - 1)].focus();
}

const moves = { j: () => step(1), k: () => step(-1), h: () => aside(-1), l: () => aside(1), "/": () => find(".filters select, .filters input")[0]?.focus() };

function pressed(event) {
  const typing = event.target.matches("input:not([type=checkbox]), textarea, select, [contenteditable]");
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.form) {
    event.target.form.requestSubmit(event.target.form.querySelector("[data-first]"));
  } else if (event.key === "Escape" && !document.querySelector("dialog[open]")) {
    if (typing) event.target.blur();
    else document.querySelector("[data-leave]")?.click();
  } else if (!typing && !event.ctrlKey && !event.metaKey && !event.altKey && !document.querySelector("dialog[open]") && keysAreOn()) {
    single(event);
  }
}

function single(event) {
  const place = going ? document.querySelector(`[data-go="${CSS.escape(event.key)}"]`) : null;
  const went = going;
  going = event.key === "g" && !went;
  let done = true;
  if (place) place.click();
  else if (went || going) done = going;
  else if (event.key === "?") showHelp();
  else if (moves[event.key] && find("[data-case]").length && main.dataset.about === undefined) moves[event.key]();
  else {
    const deed = find(`[data-key="${CSS.escape(event.key)}"]`)[0];
    if (deed) deed.click();
    else done = false;
  }
  if (done) event.preventDefault();
}

if (isConsole) document.addEventListener("keydown", pressed);
if (isConsole) document.querySelector("[data-help]")?.addEventListener("click", (event) => { event.preventDefault(); showHelp(); });

/* --- Forms. --- */

/** What was done is said once: whoever loads the page again, or hands its address on, is not told anew. */
const address = new URL(location.href);
if (isConsole && address.searchParams.has("did")) {
  address.searchParams.delete("did");
  history.replaceState(null, "", address);
}

/** What is shown once is not made a second time by loading its page again. */
const shownOnce = find("[data-address]")[0];
if (shownOnce) history.replaceState(null, "", shownOnce.dataset.address);

/** A page that answers a form has no address to come back to. Once its words are sent, the way back leads to the case. */
function leaveBehind() {
  const at = main.dataset.about && `/console/cases/${main.dataset.about}`;
  if (at && location.pathname !== at) history.replaceState(null, "", at);
}

if (isConsole) document.addEventListener("submit", leaveBehind);

for (const field of find("[data-zone]")) field.value = zone;
for (const told of find("[data-zone-name]")) told.textContent = `(${zone})`;

localTimes(document);
if (isConsole) {
  setClock(main, Date.now());
  setSwitch(document);
  tick();
  setInterval(tick, 1000);
}
document.documentElement.dataset.ready = "";
