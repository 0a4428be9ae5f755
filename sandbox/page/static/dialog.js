// Small questions, asked over the page.

import { h } from "./dom.js";

function ask(content, { yes, no = "Cancel", danger = false }) {
  return new Promise((resolve) => {
    const sure = h("button", { class: danger ? "button primary danger" : "button primary", value: "yes" }, yes);
    const dialog = h(
      "dialog",
      { class: "question" },
      h("form", { method: "dialog" }, content, h("div", { class: "row" }, h("button", { class: "button", value: "no" }, no), sure)),
    );
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.returnValue = "no";
    dialog.showModal();
    (dialog.querySelector("input") ?? sure).focus();
  });
}

/** Whether the person is sure. */
export const sure = (title, words, yes, danger = false, no = "Cancel") => ask([h("h2", {}, title), h("p", {}, words)], { yes, no, danger });

/** What the person answers; null when nothing. */
export async function answered(title, label, suggestion, yes) {
  const input = h("input", { class: "field", value: suggestion, maxlength: "80" });
  const given = await ask([h("h2", {}, title), h("label", {}, h("span", {}, label), input)], { yes });
  return (given && input.value.trim()) || null;
}
