// Times as people say them, kept true while they are looked at.

import { h } from "./dom.js";

const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const SHORT = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short" });

/** "just now", "4 min", "14:05", "Mon 3 Nov 14:05". */
export function ago(moment, now = Date.now()) {
  const seconds = Math.round((now - moment) / 1000);
  if (seconds < 45) return "just now";
  if (seconds < 3300) return `${Math.max(1, Math.round(seconds / 60))} min`;
  return clock(moment, now);
}

/** The time of day, with the day when it is not today. */
export function clock(moment, now = Date.now()) {
  const date = new Date(moment);
  const today = date.toDateString() === new Date(now).toDateString();
  return today ? SHORT.format(date) : `${DAY.format(date)} ${SHORT.format(date)}`;
}

/** "12 s", "3 min 20 s", "2 h 5 min". */
export function span(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min${seconds % 60 ? ` ${seconds % 60} s` : ""}`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h${minutes % 60 ? ` ${minutes % 60} min` : ""}`;
}

/** A <time> that stays true. */
export function when(iso, say = ago) {
  const moment = Date.parse(iso);
  const element = h("time", { datetime: iso, title: FULL.format(moment) }, say(moment));
  if (say === ago && Date.now() - moment < 3600_000) element.dataset.live = "";
  return element;
}

setInterval(() => {
  for (const element of document.querySelectorAll("time[data-live]")) element.textContent = ago(Date.parse(element.dateTime));
}, 15_000);
