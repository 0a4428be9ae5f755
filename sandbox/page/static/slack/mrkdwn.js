// Slack's markup, from escaped text to elements. Nothing is ever parsed as HTML.

import { h } from "../dom.js";
import { things, world } from "../world.js";
import { date } from "./dates.js";
import { emoji, isEmoji } from "./emoji.js";

const ENTITIES = { "&amp;": "&", "&lt;": "<", "&gt;": ">" };
const plainly = (text) => text.replace(/&(?:amp|lt|gt);/g, (entity) => ENTITIES[entity]);

const BLOCK_CODE = /```\n?([\s\S]+?)\n?```/;
const INLINE = new RegExp(
  [
    "<([^<>\\n]+)>", // 1: a link, a mention, a date
    "`([^`\\n]+)`", // 2: code
    "(?<![\\p{L}\\p{N}*])\\*(?![\\s*])([^*\\n]*[^\\s*])\\*(?![\\p{L}\\p{N}*])", // 3: bold
    "(?<![\\p{L}\\p{N}_])_(?![\\s_])([^_\\n]*[^\\s_])_(?![\\p{L}\\p{N}_])", // 4: italic
    "(?<![\\p{L}\\p{N}~])~(?![\\s~])([^~\\n]*[^\\s~])~(?![\\p{L}\\p{N}~])", // 5: strike
    ":([a-z0-9_+'-]+):", // 6: an emoji
    "(https?:\\/\\/[^\\s<>]+[^\\s<>.,;:!?'\")\\]])", // 7: a bare address
  ].join("|"),
  "u",
);

/** The elements of a mrkdwn text. */
export function mrkdwn(text) {
  const code = BLOCK_CODE.exec(text);
  if (!code) return quotes(text);
  const before = text.slice(0, code.index).replace(/\n$/, "");
  const after = text.slice(code.index + code[0].length).replace(/^\n/, "");
  return [...(before ? quotes(before) : []), h("pre", {}, plainly(code[1])), ...(after ? mrkdwn(after) : [])];
}

/** The elements of a plain_text. Emoji are shown, markup is not. */
export function plain({ text }) {
  return text
    .split(/(:[a-z0-9_+'-]+:)/)
    .map((part) => (/^:.+:$/.test(part) && isEmoji(part.slice(1, -1)) ? emoji(part.slice(1, -1)) : part));
}

/** The elements of a text object. */
export const text = (object) => (object.type === "mrkdwn" ? mrkdwn(object.text) : plain(object));

function quotes(text) {
  const parts = [];
  for (const line of text.split("\n")) {
    const quoted = /^(?:&gt;|>) ?(.*)$/.exec(line);
    const last = parts.at(-1);
    if (last && last.quoted === Boolean(quoted)) last.lines.push(quoted ? quoted[1] : line);
    else parts.push({ quoted: Boolean(quoted), lines: [quoted ? quoted[1] : line] });
  }
  return parts.flatMap((part) => (part.quoted ? [h("blockquote", {}, lines(part.lines))] : lines(part.lines)));
}

const lines = (all) => all.flatMap((line, at) => (at ? [h("br"), ...inline(line)] : inline(line)));

function inline(text) {
  const found = INLINE.exec(text);
  if (!found) return text ? [plainly(text)] : [];
  const [all, angled, code, bold, italic, strike, shortcode, address] = found;
  const before = text.slice(0, found.index);
  const middle = angled
    ? special(angled)
    : code
      ? h("code", {}, plainly(code))
      : bold
        ? h("strong", {}, inline(bold))
        : italic
          ? h("em", {}, inline(italic))
          : strike
            ? h("s", {}, inline(strike))
            : shortcode
              ? emoji(shortcode)
              : link(address, plainly(address));
  return [...(before ? [plainly(before)] : []), middle, ...inline(text.slice(found.index + all.length))];
}

export function link(address, label) {
  const url = plainly(address);
  if (!/^(https?:|mailto:|tel:)/i.test(url)) return label;
  return h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, label);
}

export const mention = (label, me = false) => h("span", { class: me ? "mention me" : "mention" }, label);

/** What stands in angle brackets: <@U…>, <#C…|name>, <!here>, <!subteam^S…>, <!date^…>, <https://…|label>. */
function special(inside) {
  const [what, label] = inside.split(/\|(.*)/s);
  if (what.startsWith("@")) return person(what.slice(1), label);
  if (what.startsWith("#")) return mention(`#${things.conversation.get(what.slice(1))?.name ?? label ?? what.slice(1)}`);
  if (what.startsWith("!subteam^")) return mention(`@${world.groups.get(what.slice(9))?.handle ?? label ?? "group"}`, true);
  if (what.startsWith("!date^")) return dated(what.slice(6), label);
  if (what.startsWith("!")) return mention(`@${what.slice(1)}`, true);
  return link(what, label ? plainly(label) : plainly(what).replace(/^mailto:/, ""));
}

export function person(id, label) {
  const name = id === world.told.app.user_id ? world.told.app.name : (world.people.get(id)?.name ?? label ?? id);
  return mention(`@${name}`, id === mrkdwn.me);
}
/** Who is reading: their own mentions stand out. */
mrkdwn.me = null;

function dated(inside, fallback) {
  const [stamp, template, address] = inside.split("^");
  const said = date(stamp, plainly(template ?? ""), plainly(fallback ?? inside));
  return address ? link(address, said) : said;
}
