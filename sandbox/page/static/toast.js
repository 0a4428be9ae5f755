// Short words at the foot of the page.

import { h } from "./dom.js";

const SECONDS = 5;

export function toast(words, { bad = false } = {}) {
  const element = h("p", { class: bad ? "toast bad" : "toast" }, words);
  document.getElementById("toasts").append(element);
  setTimeout(() => element.remove(), SECONDS * 1000);
}
