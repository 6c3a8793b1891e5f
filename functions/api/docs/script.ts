/**
 * What the page does beyond being read: search, a menu that closes behind itself, what is linked
 * opens, and examples are copied. Without it everything is still there to be read and opened.
 */
export const SCRIPT = `
"use strict";
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const search = document.querySelector("#search");
const found = document.querySelector("#found");
const menu = document.querySelector("#menu");
const parts = all("details.operation, details.schema").map((part) => ({
  part,
  link: document.querySelector('#menu a[href="#' + part.id + '"]').parentElement,
  title: part.querySelector("summary").textContent.toLowerCase() + " " + part.id.toLowerCase(),
  text: part.textContent.toLowerCase(),
}));

function filter() {
  const words = search.value.toLowerCase().split(/\\s+/).filter(Boolean);
  const has = (text) => words.every((word) => text.includes(word));
  // A word of a title is meant before one that stands anywhere.
  const inTitles = parts.filter(({ title }) => has(title));
  const shown = new Set(inTitles.length > 0 ? inTitles : parts.filter(({ text }) => has(text)));
  for (const one of parts) one.part.hidden = one.link.hidden = !shown.has(one);
  for (const group of all(".group")) {
    group.hidden = all("details.operation, details.schema, li", group).every(({ hidden }) => hidden);
  }
  document.querySelector("#intro").hidden = words.length > 0;
  found.textContent = words.length === 0 ? "" : shown.size === 0
    ? "Nothing here has all of these words."
    : shown.size + " of " + parts.length + (inTitles.length > 0 ? "" : ", by what is inside");
  if (shown.size === 1) for (const { part } of shown) part.open = true;
}

function openLinked() {
  const id = decodeURIComponent(location.hash.slice(1));
  const linked = id && document.getElementById(id);
  if (!linked) return;
  if (linked.hidden || linked.closest("[hidden]")) {
    search.value = "";
    filter();
  }
  if (linked.tagName === "DETAILS") {
    linked.open = true;
    linked.querySelector("summary").focus({ preventScroll: true });
  }
  linked.scrollIntoView();
}

async function copy(button, text) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    // Only pages that came over TLS or loopback may: the text is selected instead.
    getSelection().selectAllChildren(button.parentElement.querySelector("code"));
    button.textContent = "Selected";
  }
  setTimeout(() => { button.textContent = "Copy"; }, 2000);
}

search.addEventListener("input", filter);
search.addEventListener("keydown", (event) => {
  if (event.key === "Enter") {
    const first = parts.find(({ part }) => !part.hidden);
    if (first) location.hash = first.part.id;
  }
  if (event.key === "Escape") {
    search.value = "";
    filter();
  }
});
addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.target === search) return;
  event.preventDefault();
  search.focus();
});
addEventListener("hashchange", openLinked);
menu.addEventListener("click", ({ target }) => {
  const link = target.closest("a");
  if (!link) return;
  if (menu.matches(":popover-open")) menu.hidePopover();
  // The link of where one is already changes no address.
  if (link.getAttribute("href") === location.hash) openLinked();
});
for (const button of all("[data-open]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    for (const { part } of parts) if (!part.hidden) part.open = button.dataset.open === "all";
  });
}
for (const pre of all("pre")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  button.setAttribute("aria-live", "polite");
  button.addEventListener("click", () => copy(button, pre.textContent));
  pre.parentElement.append(button);
}
document.querySelector(".search").hidden = false;
openLinked();
`;
