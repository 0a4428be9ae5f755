// Block Kit, drawn.

import { h } from "../dom.js";
import { date } from "./dates.js";
import { interactive } from "./elements.js";
import { emoji } from "./emoji.js";
import { link, mention, mrkdwn, person, plain, text } from "./mrkdwn.js";
import { things, world } from "../world.js";

/**
 * The elements of all blocks. `surface` knows what happens in them:
 * `press(block, element, value)`, and for views `fill(block, element)` and `complaint(block)`.
 */
export const blocks = (all, surface) => all.map((block) => drawn(block, surface));

export function drawn(block, surface) {
  const draw = BLOCKS[block.type];
  const element = draw ? draw(block, surface) : h("p", { class: "unknown" }, `A ${block.type} block`);
  element.dataset.block = block.block_id ?? "";
  return element;
}

const BLOCKS = {
  header: (block) => h("h3", { class: "bk-header" }, plain(block.text)),
  divider: () => h("hr", { class: "bk-divider" }),
  section: (block, surface) =>
    h(
      "div",
      { class: "bk-section" },
      h(
        "div",
        { class: "bk-section-text" },
        block.text ? h("div", { class: "bk-text" }, text(block.text)) : null,
        block.fields
          ? h(
              "div",
              { class: "bk-fields" },
              block.fields.map((field) => h("div", { class: "bk-text" }, text(field))),
            )
          : null,
      ),
      block.accessory
        ? h(
            "div",
            { class: "bk-accessory" },
            block.accessory.type === "image" ? picture(block.accessory) : interactive(block, block.accessory, surface),
          )
        : null,
    ),
  context: (block) =>
    h(
      "div",
      { class: "bk-context" },
      block.elements.map((element) => (element.type === "image" ? picture(element) : h("span", { class: "bk-text" }, text(element)))),
    ),
  actions: (block, surface) =>
    h(
      "div",
      { class: "bk-actions" },
      block.elements.map((element) => interactive(block, element, surface)),
    ),
  image: (block) => h("figure", { class: "bk-image" }, block.title ? h("figcaption", {}, plain(block.title)) : null, picture(block)),
  input: (block, surface) => input(block, surface),
  rich_text: (block) => h("div", { class: "bk-rich bk-text" }, block.elements.map(rich)),
  markdown: (block) =>
    h(
      "div",
      { class: "bk-text" },
      mrkdwn(block.text.replace(/\*\*(.+?)\*\*/g, "*$1*").replace(/\[([^\]]+)\]\((https?:[^)]+)\)/g, "<$2|$1>")),
    ),
};

/** A picture; when it cannot be reached, as from a machine without a network, its words. */
function picture({ image_url: url, alt_text: words }) {
  if (!url) return h("span", { class: "bk-alt" }, words);
  const image = h("img", { src: url, alt: words, loading: "lazy" });
  image.addEventListener("error", () => image.replaceWith(h("span", { class: "bk-alt" }, words)));
  return image;
}

function input(block, surface) {
  const id = `in-${block.block_id}-${block.element.action_id}`;
  const complaint = surface.complaint?.(block);
  const grouped = ["radio_buttons", "checkboxes"].includes(block.element.type) || block.element.type.startsWith("multi_");
  const notes = [block.hint ? `${id}-hint` : null, complaint ? `${id}-wrong` : null].filter(Boolean).join(" ") || null;
  const label = [plain(block.label), block.optional ? h("span", { class: "optional" }, " (optional)") : null];
  const body = [
    interactive(block, block.element, surface, { id, describedby: notes, invalid: Boolean(complaint), required: !block.optional }),
    complaint ? h("p", { class: "complaint", id: `${id}-wrong`, role: "alert" }, complaint) : null,
    block.hint ? h("p", { class: "hint", id: `${id}-hint` }, plain(block.hint)) : null,
  ];
  return grouped
    ? h("fieldset", { class: "bk-input", "aria-describedby": notes }, h("legend", {}, label), body)
    : h("div", { class: "bk-input" }, h("label", { for: id }, label), body);
}

// Rich text

const RICH = {
  rich_text_section: (one) => h("p", {}, one.elements.map(part)),
  rich_text_quote: (one) => h("blockquote", {}, one.elements.map(part)),
  rich_text_preformatted: (one) => h("pre", {}, one.elements.map(part)),
  rich_text_list: (one) => {
    const list = h(
      one.style === "ordered" ? "ol" : "ul",
      { class: "rich-list" },
      one.elements.map((item) => h("li", {}, item.elements.map(part))),
    );
    list.dataset.indent = String(one.indent ?? 0);
    return list;
  },
};

const rich = (one) => (RICH[one.type] ?? RICH.rich_text_section)(one);

const PARTS = {
  text: (one) => one.text,
  link: (one) => link(one.url, one.text || one.url),
  user: (one) => person(one.user_id),
  usergroup: (one) => mention(`@${world.groups.get(one.usergroup_id)?.handle ?? one.usergroup_id}`, true),
  channel: (one) => mention(`#${things.conversation.get(one.channel_id)?.name ?? one.channel_id}`),
  broadcast: (one) => mention(`@${one.range}`, true),
  emoji: (one) => emoji(one.name),
  date: (one) => {
    const said = date(one.timestamp, one.format, one.fallback);
    return one.url ? link(one.url, said) : said;
  },
};

function part(one) {
  let said = PARTS[one.type]?.(one) ?? "";
  for (const [style, tag] of [
    ["code", "code"],
    ["strike", "s"],
    ["italic", "em"],
    ["bold", "strong"],
  ]) {
    if (one.style?.[style]) said = h(tag, {}, said);
  }
  return said;
}
