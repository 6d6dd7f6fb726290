// Loaded in <head> without `defer`, so the reader's colours are there before the first paint.
(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("js");
  let chosen = null;
  try {
    chosen = localStorage.getItem("agon-theme");
  } catch {
    // a browser that forbids storage follows the system
  }
  if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
})();
