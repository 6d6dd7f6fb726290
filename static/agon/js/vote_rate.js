// One to five by key. The form works without this file.
import { unfoldQuestion } from "./panes.js";

const form = document.querySelector("[data-rate]");
if (form) unfoldQuestion(form);

document.addEventListener("keydown", (event) => {
  if (!form || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.target.closest("textarea, select, input:not([type=checkbox])")) return;
  form.querySelector(`[name=score][value="${CSS.escape(event.key)}"]`)?.click();
});
