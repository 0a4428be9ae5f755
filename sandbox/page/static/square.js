// The public square: threads of posts, and somebody who writes.

import { author, composer, startWriting, suggestions, writer } from "./compose.js";
import { sure } from "./dialog.js";
import { asTabs, avatar, h, reconcile, tab } from "./dom.js";
import { act } from "./hands.js";
import { icon } from "./icons.js";
import { span, when } from "./time.js";
import { on, remembered, things, threads, touch, world } from "./world.js";

const SHOWN_AT_FIRST = 50;
const FOLDED_ABOVE = 6;
const body = () => document.getElementById("square-body");

const seen = { network: null, most: SHOWN_AT_FIRST, unfolded: new Set(), news: new Set(), replyingTo: null, editing: null, sought: null };

export function square(target) {
  const networks = world.told.networks;
  if (!networks.length) {
    body().append(h("p", { class: "empty" }, h("strong", {}, "No network is connected"), "SANDBOX_CHANNELS names none."));
    return;
  }
  seen.network = networks.some((one) => one.name === target.channel) ? target.channel : remembered.get("network", networks[0].name);
  if (!networks.some((one) => one.name === seen.network)) seen.network = networks[0].name;
  seen.sought = target.post ?? null;
  startWriting();
  asTabs(document.getElementById("networks"), choose);
  body().append(compose(), h("ol", { id: "threads", "aria-label": "Threads, newest first" }), h("div", { id: "threads-more" }));
  on("post", hear);
  draw();
}

function choose(network) {
  seen.network = network;
  seen.most = SHOWN_AT_FIRST;
  seen.news.delete(network);
  remembered.set("network", network);
  body().scrollTop = 0;
  compose();
  draw();
}

const network = () => world.told.networks.find((one) => one.name === seen.network);

/** The form above the threads, anew: for another network, or for somebody else. */
function compose() {
  const form = composer(network(), recompose);
  body().querySelector(".compose")?.replaceWith(form);
  return form;
}

function recompose() {
  compose();
  touch("post");
}

function hear() {
  for (const post of things.post.values()) {
    if (post.fresh && post.author.is_brand && post.channel !== seen.network && Date.now() - Date.parse(post.posted_at) < 5000)
      seen.news.add(post.channel);
  }
  draw();
}

function draw() {
  reconcile(document.getElementById("networks"), world.told.networks, {
    key: (one) => one.name,
    version: (one) => `${one.name === seen.network} ${seen.news.has(one.name)}`,
    render: (one) => tab(one.name, one.network, one.name === seen.network, { panel: "square-body", dot: seen.news.has(one.name) }),
  });
  const all = [...threads.values()].filter((posts) => posts[0].channel === seen.network);
  all.sort((one, other) => (one[0].posted_at < other[0].posted_at ? 1 : -1));
  reconcile(document.getElementById("threads"), withSought(all.slice(0, seen.most), all), {
    key: (posts) => `${posts[0].channel}/${posts[0].thread}`,
    version: (posts) =>
      `${Math.max(...posts.map((post) => post.n))} ${seen.unfolded.has(posts[0].thread)} ${formIn(posts)} ${writer.me.id}`,
    render: (posts) => fill(h("li", { class: "thread" }, h("ol", { class: "thread-posts" }), h("div", { class: "thread-form" })), posts),
    update: fill,
  });
  const more = document.getElementById("threads-more");
  const left = all.length - seen.most;
  if (!all.length)
    more.replaceChildren(
      h(
        "div",
        { class: "empty" },
        h("strong", {}, `Nobody has written on ${network().network} yet`),
        "Start here: write a complaint above, or take one of these and post it.",
      ),
      suggestions(recompose),
    );
  else
    more.replaceChildren(
      ...(left > 0
        ? [h("button", { type: "button", class: "button small more", onclick: showMore }, `Show ${Math.min(left, SHOWN_AT_FIRST)} more`)]
        : []),
    );
  showSought();
}

function showMore() {
  seen.most += SHOWN_AT_FIRST;
  draw();
}

function withSought(shown, all) {
  const wanted = seen.sought && all.find((posts) => posts.some((post) => post.id === seen.sought));
  return !wanted || shown.includes(wanted) ? shown : [wanted, ...shown];
}

function showSought() {
  if (!seen.sought) return;
  const found = body().querySelector(`[data-post="${CSS.escape(seen.sought)}"]`);
  if (!found) return;
  const thread = found.closest(".thread");
  thread.classList.add("sought");
  thread.scrollIntoView({ block: "center" });
  seen.sought = null;
}

const formIn = (posts) =>
  posts.some((post) => post.id === seen.replyingTo)
    ? seen.replyingTo
    : posts.some((post) => post.id === seen.editing)
      ? `edit ${seen.editing}`
      : "";

/** Brings a thread's element up to date; a half-written reply in it is left alone. */
function fill(element, posts) {
  const folded = posts.length > FOLDED_ABOVE && !seen.unfolded.has(posts[0].thread) && !posts.some((post) => post.id === seen.sought);
  const shown = folded ? [posts[0], ...posts.slice(-3)] : posts;
  const hidden = posts.length - shown.length;
  reconcile(
    element.querySelector(".thread-posts"),
    hidden ? [shown[0], { fold: hidden, thread: posts[0].thread }, ...shown.slice(1)] : shown,
    {
      key: (one) => (one.fold ? "fold" : one.id),
      version: (one) => (one.fold ? one.fold : `${one.n} ${one.author.id === writer.me.id} ${one.id === seen.editing}`),
      render: (one) => (one.fold ? unfold(one) : post(one, posts)),
    },
  );
  const form = element.querySelector(".thread-form");
  const wanted = formIn(posts);
  if (form.dataset.for !== wanted) {
    form.dataset.for = wanted;
    const answered = posts.find((one) => one.id === seen.replyingTo);
    const edited = posts.find((one) => one.id === seen.editing);
    form.replaceChildren(...(answered ? [replyForm(answered)] : edited ? [editForm(edited)] : []));
    form.querySelector("textarea")?.focus();
  }
  return element;
}

function unfold({ fold, thread }) {
  const open = () => {
    seen.unfolded.add(thread);
    draw();
  };
  return h("li", { class: "thread-fold" }, h("button", { type: "button", class: "quiet small", onclick: open }, `Show ${fold} earlier`));
}

function post(one, posts) {
  const mine = one.author.id === writer.me.id || (writer.me.is_brand && one.author.is_brand);
  const gone = Boolean(one.deleted_at);
  const isNew = one.fresh && Date.now() - Date.parse(one.posted_at) < 4000;
  const name = one.author.name || one.author.handle;
  const url = `/square/${encodeURIComponent(one.channel)}/${encodeURIComponent(one.id)}`;
  return h(
    "li",
    { class: `post${one.author.is_brand ? " brand" : ""}${gone ? " gone" : ""}`, "data-post": one.id },
    avatar(name),
    h(
      "article",
      { class: `post-body${isNew ? " arrived" : ""}`, "aria-label": `${name}${one.author.is_brand ? ", the brand" : ""}` },
      h(
        "header",
        { class: "post-head" },
        h("span", { class: "post-name" }, name),
        one.author.is_brand ? h("span", { class: "badge brand" }, icon("check"), "Brand") : null,
        one.visibility === "private" ? h("span", { class: "badge private" }, icon("lock"), "Private") : null,
        one.author.is_brand ? null : h("span", { class: "post-handle" }, `@${one.author.handle}`),
        h(
          "span",
          { class: "post-time" },
          one.author.is_brand ? "" : "· ",
          h("a", { href: url }, when(one.posted_at)),
          one.edited_at && !gone ? " · edited" : "",
        ),
      ),
      h("p", { class: "post-text" }, gone ? "Deleted by its author." : words(one.text)),
      gone ? null : acts(one, mine, posts),
    ),
  );
}

/** On the brand's first reply in a thread: how long the customer waited for it. */
function answerTime(one, posts) {
  if (!one.author.is_brand || posts.find((other) => other.author.is_brand) !== one || posts[0].author.is_brand) return null;
  const waited = Date.parse(one.posted_at) - Date.parse(posts[0].posted_at);
  return h(
    "span",
    { class: "answered", title: "How long the customer waited for the first answer" },
    waited < 1000 ? "answered at once" : `answered after ${span(waited)}`,
  );
}

const LINKS = /(https?:\/\/[^\s<>]+[^\s<>.,;:!?'")\]])|(@[\p{L}\p{N}_.-]*[\p{L}\p{N}_])/gu;

/** The text, with addresses to follow and mentions to see. */
function words(text) {
  const parts = [];
  let from = 0;
  for (const found of text.matchAll(LINKS)) {
    parts.push(text.slice(from, found.index));
    parts.push(
      found[1]
        ? h("a", { href: found[1], target: "_blank", rel: "noopener noreferrer" }, found[1])
        : h("span", { class: "mention" }, found[0]),
    );
    from = found.index + found[0].length;
  }
  return [...parts, text.slice(from)];
}

function acts(one, mine, posts) {
  const button = (name, label, act) =>
    h("button", { type: "button", class: "quiet small", "data-focus": `${label}-${one.id}`, onclick: act }, icon(name), label);
  const reply = () => open({ replyingTo: seen.replyingTo === one.id ? null : one.id });
  const edit = () => open({ editing: one.id });
  const remove = async () => {
    const wanted = await sure("Delete this post?", "It is gone for everybody, and Loopkeeper is told.", "Delete", true);
    if (wanted) await act("delete", { channel: one.channel, id: one.id });
  };
  return h(
    "footer",
    { class: "post-acts" },
    button("reply", "Reply", reply),
    mine ? [button("edit", "Edit", edit), button("trash", "Delete", remove)] : null,
    answerTime(one, posts),
  );
}

function open({ replyingTo = null, editing = null }) {
  Object.assign(seen, { replyingTo, editing });
  draw();
}

function replyForm(answered) {
  const text = h("textarea", {
    class: "field",
    rows: "2",
    "aria-label": `Reply to ${answered.author.name}`,
    placeholder: `Reply as ${writer.me.name} …`,
  });
  const hidden = h("input", { type: "checkbox", checked: answered.visibility === "private" });
  const send = async (event) => {
    event.preventDefault();
    if (!text.value.trim()) return;
    await act("post", {
      channel: answered.channel,
      brand: answered.brand,
      author: author(),
      text: text.value,
      in_reply_to: answered.id,
      visibility: hidden.checked ? "private" : "public",
    });
    open({});
  };
  return form(send, text, [h("label", { class: "check" }, hidden, "in private"), h("span", { class: "spacer" })], "Reply");
}

function editForm(edited) {
  const text = h("textarea", { class: "field", rows: "3", "aria-label": "Your post", value: edited.text });
  const save = async (event) => {
    event.preventDefault();
    await act("edit", { channel: edited.channel, id: edited.id, text: text.value });
    open({});
  };
  return form(save, text, [h("span", { class: "spacer" })], "Save");
}

function form(submit, text, left, label) {
  const cancel = h("button", { type: "button", class: "quiet small", onclick: () => open({}) }, "Cancel");
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) text.form.requestSubmit();
    if (event.key === "Escape") open({});
  });
  return h(
    "form",
    { class: "reply-form", onsubmit: submit },
    text,
    h("div", { class: "row" }, left, cancel, h("button", { class: "button primary small" }, label)),
  );
}
