// Whose seat one has taken in Slack, where they are looking, and what they have read.

import { channels, remembered, things, world } from "../world.js";

export const HOME = "home";
export const SHOWN_AT_FIRST = 50;
export const seat = { me: null, where: null, thread: null, most: SHOWN_AT_FIRST, sought: null };
const read = remembered.get("read", {});

export const person = () => world.people.get(seat.me);
export const mine = () =>
  [...things.conversation.values()].filter((one) => one.members.includes(seat.me) && !one.is_im && !one.is_archived);
export const direct = () => [...things.conversation.values()].find((one) => one.is_im && one.user === seat.me);
export const visible = (one) => !one.deleted && (!one.ephemeral_to || one.ephemeral_to === seat.me);
export const inside = (id) => (channels.get(id) ?? []).filter(visible);

export function unread(id, who = seat.me) {
  const last = read[`${who}/${id}`] ?? "";
  let count = 0;
  const all = channels.get(id) ?? [];
  for (let at = all.length - 1; at >= 0 && all[at].ts > last && count < 100; at -= 1) {
    if (all[at].user !== who && !all[at].deleted && (!all[at].ephemeral_to || all[at].ephemeral_to === who)) count += 1;
  }
  return count;
}

/** How much somebody has not read, in the channels of their own department and in direct messages. */
export function waitingFor(one) {
  const own = [...things.conversation.values()].filter(
    (place) => place.members.includes(one.id) && (place.user === one.id || place.name.includes(one.department)),
  );
  return own.reduce((sum, place) => sum + unread(place.id, one.id), 0);
}

/** What this person sees is read up to this message. Answers whether that is news. */
export function markRead(id, last) {
  const name = `${seat.me}/${id}`;
  if (!last || (read[name] ?? "") >= last) return false;
  read[name] = last;
  remembered.set("read", read);
  return true;
}
