// Puts the places together.

import { drawer } from "./drawer.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { slack } from "./slack/slack.js";
import { square } from "./square.js";
import { team } from "./team.js";
import { begin, live, on, things } from "./world.js";

const places = document.querySelector(".places");
/** When each place was last left, on a screen that has room for one. */
const seenAt = {};

function show(place) {
  seenAt[places.dataset.showing] = Date.now();
  places.dataset.showing = place;
  document.querySelector(`.switch [data-place="${place}"]`)?.classList.remove("news");
  for (const button of document.querySelectorAll(".switch button"))
    button.setAttribute("aria-current", String(button.dataset.place === place));
}

/** Where there is room for one place only, another's button says that something has come there. */
function announce(kind, place, isNews) {
  on(kind, () => {
    if (document.getElementById(place).offsetParent) return;
    const found = [...things[kind].values()].some((one) => one.fresh && isNews(one));
    document.querySelector(`.switch [data-place="${place}"]`).classList.toggle("news", found);
  });
}

function themes() {
  const order = ["", "light", "dark"];
  const looks = { "": ["half", "as the system"], light: ["sun", "light"], dark: ["moon", "dark"] };
  const button = document.getElementById("theme");
  const apply = (theme) => {
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
    localStorage.setItem("theme", theme);
    button.replaceChildren(icon(looks[theme][0]));
    button.setAttribute("aria-label", `Theme: ${looks[theme][1]}`);
    button.title = `Theme: ${looks[theme][1]}`;
  };
  button.addEventListener("click", () => apply(order[(order.indexOf(document.documentElement.dataset.theme ?? "") + 1) % order.length]));
  apply(document.documentElement.dataset.theme ?? "");
}

/** A permalink opens its place on what it names. */
function sought() {
  const [, place, ...rest] = location.pathname.split("/");
  if (place === "square") return { place, channel: rest[0], post: decodeURIComponent(rest.slice(1).join("/")) };
  if (place === "slack") {
    const digits = (rest[2] ?? "").slice(1);
    return {
      place,
      channel: rest[1],
      ts: `${digits.slice(0, -6)}.${digits.slice(-6)}`,
      thread: new URLSearchParams(location.search).get("thread_ts"),
    };
  }
  return { place: "square" };
}

themes();
for (const button of document.querySelectorAll(".switch button")) button.addEventListener("click", () => show(button.dataset.place));
on("live", () => {
  const sign = document.getElementById("live");
  sign.className = live.on ? "live on" : "live off";
  sign.textContent = live.on ? "live" : "connection lost, trying again";
});

const target = sought();
show(target.place);
begin()
  .then(() => {
    square(target.place === "square" ? target : {});
    slack(target.place === "slack" ? target : {});
    team();
    drawer();
    const arrived = Date.now();
    announce("post", "square", (post) => post.author.is_brand && Date.parse(post.posted_at) > Math.max(arrived, seenAt.square ?? 0));
    announce("message", "slack", (message) => Number(message.ts) * 1000 > Math.max(arrived, seenAt.slack ?? 0));
    document.documentElement.dataset.ready = "";
  })
  .catch((error) => {
    places.replaceChildren(h("p", { class: "empty" }, h("strong", {}, "The sandbox did not tell what there is."), String(error)));
    throw error;
  });
