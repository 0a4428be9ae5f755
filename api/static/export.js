// Follows an export while it is downloaded. The page says the same when it is loaded again.

import { localTimes } from "./console.js";

const every = 1000;
let following = 0, known = "";

async function follow() {
  const shown = document.getElementById("export");
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" }, credentials: "same-origin", redirect: "error" });
    if (answer.ok) {
      const made = new DOMParser().parseFromString(await answer.text(), "text/html");
      const anew = made.getElementById("export");
      if (anew && anew.innerHTML !== known) {
        known = anew.innerHTML;
        const inside = shown.contains(document.activeElement);
        localTimes(anew);
        shown.replaceWith(anew);
        if (inside) anew.querySelector("a, button")?.focus();
      }
      document.title = made.title;
    } else if (answer.status === 401 || answer.status === 403 || answer.status === 404) return;
  } catch {
    // An instance that is away: the next try may find another.
  }
  if (document.getElementById("export").dataset.state === "running" || following-- > 0) setTimeout(follow, every);
}

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-download]")) return;
  following = 5; // it begins to run a moment after the click
  setTimeout(follow, 300);
});
if (document.getElementById("export").dataset.state === "running") setTimeout(follow, every);
