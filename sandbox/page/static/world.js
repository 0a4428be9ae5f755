// What the page knows: the world, everything in it, and every change as it comes.

const listeners = new Map();
let scheduled = new Set();
let toldAt = 0;
/** Drawing more often than this shows people nothing more, and costs a busy machine what the product needs. */
const BREATH_MS = 120;

export const world = { told: null, people: new Map(), groups: new Map(), customers: new Map() };
/** Everything by kind and key; each value is the object as the sandbox tells it, with its number as `n`. */
export const things = {
  post: new Map(),
  message: new Map(),
  conversation: new Map(),
  view: new Map(),
  mail: new Map(),
  delivery: new Map(),
  fault: new Map(),
};
/** Posts by thread (`channel/root id`), oldest first; messages by channel (without replies) and by thread, oldest first. */
export const threads = new Map();
export const channels = new Map();
export const replies = new Map();
export const live = { on: false, since: 0 };

/** Calls `listener` once for each batch of changes of these kinds. */
export function on(kinds, listener) {
  for (const kind of kinds.split(" ")) listeners.set(kind, [...(listeners.get(kind) ?? []), listener]);
}

/** Have the listeners of a kind called: soon, and not more often than is of use. */
export function touch(kind) {
  if (!scheduled.size) setTimeout(tell, Math.max(8, BREATH_MS - (performance.now() - toldAt)));
  for (const listener of listeners.get(kind) ?? []) scheduled.add(listener);
}

function tell() {
  const due = scheduled;
  scheduled = new Set();
  toldAt = performance.now();
  for (const listener of due) listener();
}

export async function begin() {
  world.told = await (await fetch("/hands/world")).json();
  for (const person of world.told.people) world.people.set(person.id, person);
  for (const group of world.told.usergroups) world.groups.set(group.id, group);
  for (const customer of world.told.customers) world.customers.set(customer.id, customer);
  const state = await (await fetch("/hands/state")).json();
  live.since = state.number;
  for (const change of state.changes) take(change);
  for (const order of [...threads.values(), ...channels.values(), ...replies.values()]) order.sort(byAge);
  follow();
}

const age = (one) => one.ts ?? one.posted_at;
const byAge = (one, other) => (age(one) < age(other) ? -1 : age(one) > age(other) ? 1 : 0);

function follow() {
  const stream = new EventSource(`/hands/stream?after=${live.since}`);
  stream.addEventListener("open", () => turn(true));
  stream.addEventListener("error", () => turn(false));
  stream.addEventListener("anew", () => location.reload());
  stream.addEventListener("change", (event) => {
    const change = JSON.parse(event.data);
    live.since = change.n;
    take(change);
    touch(change.kind);
  });
}

function turn(now) {
  live.on = now;
  touch("live");
}

function take({ n, kind, key, object }) {
  const known = things[kind];
  if (!known) return;
  const before = known.get(key);
  const thing = { ...object, n, key, fresh: !before };
  known.set(key, thing);
  if (kind === "post") place(threads, `${thing.channel}/${thing.thread}`, thing, before);
  if (kind === "message") placeMessage(thing, before);
}

function placeMessage(message, before) {
  const isReply = message.thread_ts && message.thread_ts !== message.ts;
  if (isReply) place(replies, `${message.channel}/${message.thread_ts}`, message, before);
  if (!isReply || message.subtype === "thread_broadcast") place(channels, message.channel, message, before);
}

function place(index, name, thing, before) {
  const order = index.get(name);
  if (!order) {
    index.set(name, [thing]);
  } else if (before) {
    order[order.indexOf(before)] = thing;
  } else {
    order.push(thing);
    for (let at = order.length - 1; at > 0 && byAge(order[at - 1], order[at]) > 0; at -= 1)
      [order[at - 1], order[at]] = [order[at], order[at - 1]];
  }
}

/** A choice that outlives the page being closed. */
export const remembered = {
  get: (name, otherwise) => JSON.parse(localStorage.getItem(name) ?? "null") ?? otherwise,
  set: (name, value) => localStorage.setItem(name, JSON.stringify(value)),
};
