// Two answers side by side: scrolled together on a desk, swiped between on a phone.

export function scrollTogether(root) {
  const bodies = [...root.querySelectorAll("[data-scrolls]")];
  const together = root.querySelector("[data-sync]");
  let leader = null;
  for (const body of bodies) {
    for (const kind of ["pointerenter", "focusin", "touchstart", "wheel"]) {
      body.addEventListener(kind, () => (leader = body), { passive: true });
    }
    body.addEventListener("scroll", () => {
      if (!together?.checked || (leader && leader !== body)) return;
      const share = body.scrollTop / Math.max(body.scrollHeight - body.clientHeight, 1);
      for (const other of bodies) {
        if (other !== body) other.scrollTop = share * (other.scrollHeight - other.clientHeight);
      }
    }, { passive: true });
  }
  offerTogether(root);
}

// Offered only where there is something to scroll; asked again when text has come.
export function offerTogether(root) {
  const offer = root.querySelector("[data-sync]")?.closest("label");
  const bodies = [...root.querySelectorAll("[data-scrolls]")];
  if (offer) offer.hidden = !bodies.some((body) => body.scrollHeight > body.clientHeight + 4);
}

// A question that does not fit can be unfolded; asked again when another one has come.
export function unfoldQuestion(root) {
  const [box, button] = ["[data-question]", "[data-unfolds]"].map((name) => root.querySelector(name));
  if (!box || !button) return;
  button.hidden = box.scrollHeight <= box.clientHeight + 4;
  button.addEventListener("click", () => {
    const isUnfolded = box.toggleAttribute("data-unfolded");
    button.setAttribute("aria-expanded", String(isUnfolded));
    button.textContent = isUnfolded ? button.dataset.textLess : button.dataset.textMore;
  });
}

export function switchPanes(root) {
  const panes = root.querySelector("[data-panes]");
  const tabs = [...root.querySelectorAll("[data-shows]")];
  for (const tab of tabs) {
    tab.addEventListener("click", () => {
      const pane = panes.querySelector(`[data-pane="${tab.dataset.shows}"]`);
      panes.scrollTo({ left: pane.offsetLeft - panes.offsetLeft, behavior: "smooth" });
    });
  }
  panes.addEventListener("scroll", () => {
    const isRight = panes.scrollLeft > panes.clientWidth / 2;
    for (const tab of tabs) {
      const isShown = (tab.dataset.shows === "right") === isRight;
      if (isShown) tab.setAttribute("aria-current", "true");
      else tab.removeAttribute("aria-current");
      if (isShown) tab.removeAttribute("data-unseen");
    }
  }, { passive: true });
}

// On a phone the reasons take their room from the answers, which then come to the top of the window.
export function seeAnswersBesideReasons(root) {
  root.querySelector("[data-why]")?.addEventListener("toggle", (event) => {
    const isPhone = matchMedia("(max-width: 48rem)").matches;
    if (event.target.open && isPhone) root.querySelector(".pane-switch").scrollIntoView();
  });
}

// The later clicks of a double click mean what stood there before, not what the first one brought.
export function isLaterClick(event) {
  return event.detail > 1 && Boolean(event.target.closest("button, a"));
}

// The choice a key stands for, or nothing: while somebody writes, or moves within a control.
const KEYS = { ArrowLeft: "left", ArrowRight: "right", t: "tie", b: "both_bad", s: "skip" };
const FIELDS = "textarea, select, [contenteditable], input:not([type=checkbox], [type=radio]), dialog";

export function isPlainKey(event) {
  const isChord = event.ctrlKey || event.metaKey || event.altKey;
  return !isChord && !event.repeat && !event.target.closest(FIELDS);
}

export function choiceOf(event) {
  // arrows move the choice inside a radio group and scroll a wide table or code block
  const isArrow = event.key.startsWith("Arrow");
  if (isArrow && event.target.closest("[type=radio], pre, .table-scroll")) return null;
  return KEYS[event.key] ?? KEYS[event.key.toLowerCase()] ?? null;
}

// Shift with an arrow says "much better".
export function sayMuch(event, root) {
  const much = root?.querySelector('[name=strength][value="3"]');
  if (much && event.shiftKey && event.key.startsWith("Arrow")) much.checked = true;
}
