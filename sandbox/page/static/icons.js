// Small line icons of our own, drawn on a 24 by 24 grid.

const PATHS = {
  reply: "M9 7 4 12l5 5M4 12h9a7 7 0 0 1 7 7",
  edit: "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
  trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
  lock: "M7 11V8a5 5 0 0 1 10 0v3M5.5 11h13v9h-13z",
  check: "M4 12.5 9.5 18 20 6.5",
  close: "M6 6l12 12M18 6 6 18",
  thread: "M4 5h16v11H10l-5 4v-4H4zM8 9h8M8 12.5h5",
  hash: "M9 4 7 20M17 4l-2 16M4.5 9h16M3.5 15h16",
  home: "M4 11.5 12 4l8 7.5M6 10v10h12V10M10 20v-6h4v6",
  send: "M4 12 20 4l-5 16-4-7z",
  more: "M5.5 12h.01M12 12h.01M18.5 12h.01",
  down: "M6 9.5l6 6 6-6",
  back: "M14 6l-6 6 6 6",
  smile: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17M8.5 14.5c1.8 2.4 5.2 2.4 7 0M9 9.5h.01M15 9.5h.01",
  mail: "M3.5 6h17v12h-17zM4 7l8 6.5L20 7",
  truck: "M3 7h11v9H3zM14 10h4l3 3v3h-7M7 19a1.6 1.6 0 1 0 0-3.2A1.6 1.6 0 0 0 7 19M17 19a1.6 1.6 0 1 0 0-3.2 1.6 1.6 0 0 0 0 3.2",
  bolt: "M13 3 5 13.5h6L10 21l9-11.5h-6.5z",
  sun: "M12 7.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9M12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M18.7 5.3l-1.4 1.4M6.7 17.3l-1.4 1.4",
  moon: "M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10",
  half: "M12 4a8 8 0 1 0 0 16zM12 4a8 8 0 0 1 0 16",
  outside: "M13 5h6v6M19 5l-9 9M17 14v5H5V7h5",
  warning: "M12 4 2.8 19.5h18.4zM12 10v4.5M12 17h.01",
  eye: "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12M12 9.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5",
};
const SVG = "http://www.w3.org/2000/svg";

/** An icon; decoration, so its button or link says in words what it does. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  if (name === "more") path.setAttribute("stroke-width", "3");
  svg.append(path);
  return svg;
}
