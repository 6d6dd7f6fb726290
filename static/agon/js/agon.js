// Behaviour of the page frame. Nothing here is needed to read a page or to send a form.

import { makeFoldable } from "./filters.js";
import { makeSortable } from "./sorting.js";

const THEMES = ["auto", "light", "dark"];
const { body, documentElement: root } = document;

function rememberTheme(theme) {
  try {
    if (theme === "auto") localStorage.removeItem("agon-theme");
    else localStorage.setItem("agon-theme", theme);
  } catch {
    // the choice then lasts for this page only
  }
}

function showTheme(button, theme) {
  for (const icon of button.querySelectorAll("[data-theme-icon]")) {
    icon.hidden = icon.dataset.themeIcon !== theme;
  }
  const label = button.getAttribute(`data-label-${theme}`);
  button.setAttribute("aria-label", label);
  button.title = label;
}

function setUpThemeToggle() {
  const button = document.querySelector("[data-theme-toggle]");
  if (!button) return;
  showTheme(button, root.dataset.theme ?? "auto");
  button.hidden = false;
  button.addEventListener("click", () => {
    const theme = THEMES[(THEMES.indexOf(root.dataset.theme ?? "auto") + 1) % THEMES.length];
    if (theme === "auto") delete root.dataset.theme;
    else root.dataset.theme = theme;
    rememberTheme(theme);
    showTheme(button, theme);
    document.dispatchEvent(new CustomEvent("agon:theme"));
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () =>
    document.dispatchEvent(new CustomEvent("agon:theme")),
  );
}

function setUpMenu() {
  const button = document.querySelector("[data-nav-toggle]");
  const header = document.querySelector("[data-site-header]");
  if (!button || !header) return;
  button.hidden = !document.getElementById("site-nav");
  const show = (isOpen) => {
    header.toggleAttribute("data-open", isOpen);
    button.setAttribute("aria-expanded", String(isOpen));
  };
  button.addEventListener("click", () => show(!header.hasAttribute("data-open")));
  header.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && header.hasAttribute("data-open")) {
      show(false);
      button.focus();
    }
  });
}

function openDialog(event) {
  const opener = event.target.closest("[data-opens]");
  if (opener) document.getElementById(opener.dataset.opens)?.showModal();
  else if (event.target.closest("[data-closes]")) event.target.closest("dialog")?.close();
  else if (event.target instanceof HTMLDialogElement) event.target.close();
}

// Of this browser as it is now: signing in elsewhere gives it another than the page came with.
export function csrfToken() {
  return document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1];
}

function saidBy(request) {
  const isJson = request.getResponseHeader("content-type")?.startsWith("application/json");
  return isJson ? JSON.parse(request.responseText).text : null;
}

// a ballot's buttons stand at the bottom of the window too, and are not to be covered
const bars = new ResizeObserver(placeToasts);

function placeToasts() {
  const bar = document.querySelector(".ballot-bar");
  const toasts = document.querySelector("[data-toasts]");
  if (!bar || !toasts) return;
  const above = Math.max(0, root.clientHeight - bar.getBoundingClientRect().top);
  toasts.style.setProperty("--toasts-above", `${Math.min(above, root.clientHeight / 2)}px`);
}

function setUpToasts() {
  for (const event of ["scroll", "resize"]) addEventListener(event, placeToasts, { passive: true });
}

export function toast(text, kind = "error") {
  const notice = document.createElement("p");
  notice.className = `notice notice-${kind}`;
  notice.textContent = text;
  document.querySelector("[data-toasts]")?.append(notice);
  placeToasts();
  bars.disconnect();
  for (const bar of document.querySelectorAll(".ballot-bar")) bars.observe(bar);
  setTimeout(() => notice.remove(), 8000);
}

function setUpRequests() {
  body.addEventListener("htmx:responseError", ({ detail: { xhr } }) =>
    toast(saidBy(xhr) ?? body.dataset.textFailed),
  );
  body.addEventListener("htmx:timeout", () => toast(body.dataset.textOffline));
  let wasOffline = false;
  body.addEventListener("htmx:sendError", () => {
    // a page that polls would otherwise stack up the same sentence
    if (!wasOffline) toast(body.dataset.textOffline);
    wasOffline = true;
  });
  body.addEventListener("htmx:afterOnLoad", () => (wasOffline = false));
  body.addEventListener("htmx:configRequest", ({ detail: { elt, formData } }) => {
    // an address names what was chosen and nothing else
    if (!elt.matches("form.filters")) return;
    for (const [name, value] of [...formData]) if (value === "") formData.delete(name);
  });
}

async function copyCode(button, code) {
  await navigator.clipboard.writeText(code.textContent);
  sayCopied(button);
}

function sayCopied(button) {
  button.textContent = body.dataset.textCopied;
  setTimeout(() => (button.textContent = body.dataset.textCopy), 2000);
}

function addCopyButtons(within) {
  if (!navigator.clipboard) return;
  for (const block of within.querySelectorAll(".prose .code-block:not([data-copies])")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy-button";
    button.textContent = body.dataset.textCopy;
    button.addEventListener("click", () => copyCode(button, block.querySelector("code")));
    block.dataset.copies = "";
    block.append(button);
  }
}

function setUpCopying() {
  if (!navigator.clipboard) return;
  for (const button of document.querySelectorAll("[data-copies-from]")) {
    const field = document.getElementById(button.dataset.copiesFrom);
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(field.value);
      sayCopied(button);
    });
  }
}

setUpThemeToggle();
setUpCopying();
setUpMenu();
setUpRequests();
setUpToasts();
document.addEventListener("click", openDialog);

function enhance(within) {
  addCopyButtons(within);
  for (const table of within.querySelectorAll("table[data-sortable]")) makeSortable(table);
  for (const form of within.querySelectorAll("form.filters[role=search]")) makeFoldable(form);
}

enhance(document);
body.addEventListener("htmx:load", (event) => enhance(event.detail.elt));
body.addEventListener("agon:content", (event) => enhance(event.detail));
