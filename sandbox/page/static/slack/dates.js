// Dates as Slack writes them: a template with tokens, each said in the reader's language and zone.
// https://docs.slack.dev/reference/block-kit/block-elements/date-element
// https://docs.slack.dev/messaging/formatting-message-text/#date-formatting

import { h } from "../dom.js";

const HALF_A_YEAR_MS = 183 * 86_400_000;
const UNITS = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
];
const FORMATS = {
  date_short: { month: "short", day: "numeric", year: "numeric" },
  date: { month: "long", day: "numeric", year: "numeric" },
  date_long: { weekday: "long", month: "long", day: "numeric", year: "numeric" },
  date_long_full: { month: "long", day: "numeric", year: "numeric" },
  date_slash: { year: "numeric", month: "2-digit", day: "2-digit" },
  time: { hour: "numeric", minute: "2-digit" },
  time_secs: { hour: "numeric", minute: "2-digit", second: "2-digit" },
};

/** A <time> that says a moment (in seconds) in a template; the fallback when there is no such moment. */
export function date(seconds, template, fallback) {
  const moment = new Date(Number(seconds) * 1000);
  if (Number.isNaN(moment.getTime())) return fallback ?? "";
  const element = h("time", { datetime: moment.toISOString(), title: moment.toLocaleString() });
  element.textContent = (template ?? "").replace(/\{(\w+)\}/g, (all, token, at) => said(moment, token, at === 0) ?? all);
  return element;
}

function said(moment, token, isFirst) {
  if (token === "ago") return ago(moment);
  if (token === "date_num") return [moment.getFullYear(), two(moment.getMonth() + 1), two(moment.getDate())].join("-");
  if (token === "day_divider_pretty") return day(moment, isFirst) ?? said(moment, "date_long");
  const plain = token.replace(/_pretty$/, "");
  if (!Object.hasOwn(FORMATS, plain)) return null;
  return (plain === token ? null : day(moment, isFirst)) ?? written(moment, plain);
}

const two = (number) => String(number).padStart(2, "0");

/** Slack leaves the year out of a date that is near. */
function written(moment, name) {
  const format = { ...FORMATS[name] };
  if (["date_short", "date", "date_long"].includes(name) && Math.abs(moment - Date.now()) < HALF_A_YEAR_MS) delete format.year;
  return new Intl.DateTimeFormat(undefined, format).format(moment);
}

function day(moment, isFirst) {
  const midnight = (date) => new Date(date).setHours(0, 0, 0, 0);
  const days = Math.round((midnight(moment) - midnight(Date.now())) / 86_400_000);
  if (Math.abs(days) > 1) return null;
  const word = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" }).format(days, "day");
  return isFirst ? word[0].toLocaleUpperCase() + word.slice(1) : word;
}

function ago(moment) {
  const seconds = Math.round((moment - Date.now()) / 1000);
  const [unit, size] = UNITS.find(([, one]) => Math.abs(seconds) >= one) ?? ["second", 1];
  return new Intl.RelativeTimeFormat(undefined, { numeric: "always" }).format(Math.round(seconds / size), unit);
}
