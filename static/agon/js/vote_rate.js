// One to five by key. The form works without this file.
import { isLaterClick, isPlainKey, unfoldQuestion } from "./panes.js";

const form = document.querySelector("[data-rate]");
const SLOW_MS = 6000; // then it is safe to press again: it counts once

function onKey(event) {
  if (!isPlainKey(event)) return;
  form.querySelector(`[name=score][value="${CSS.escape(event.key)}"]`)?.click();
}

// A second press would break off the answer to the first one, which tells the name.
function onSubmit(event) {
  if (form.ariaBusy === "true") return event.preventDefault();
  form.ariaBusy = "true";
  setTimeout(() => (form.ariaBusy = null), SLOW_MS);
}

if (form) {
  unfoldQuestion(form);
  document.addEventListener("keydown", onKey);
  form.addEventListener("submit", onSubmit);
  // the second click of a double click would rate the answer that the first one brought
  form.addEventListener("click", (event) => isLaterClick(event) && event.preventDefault());
  window.addEventListener("pageshow", (event) => event.persisted && location.reload());
}
