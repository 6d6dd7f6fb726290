// Blind voting: one key or one tap per vote, the next battle already in memory.
import { csrfToken, toast } from "./agon.js";
import {
  choiceOf, isLaterClick, isPlainKey, sayMuch, scrollTogether, seeAnswersBesideReasons, switchPanes, unfoldQuestion,
} from "./panes.js";

const root = document.querySelector("[data-vote]");
const stage = root?.querySelector("[data-stage]");
const said = root?.querySelector("[data-said]");
const SLOW_MS = 6000;

let upcoming = null; // HTML of the battle after this one; null when none is loaded
let queued = null; // the one after that, which came along with the last vote
let isSending = false;
const held = new Set(); // tokens shown or in hand: two requests may bring the same battle

const ballot = () => stage.querySelector("[data-ballot]");
const tokenOf = (form) => form?.elements.token.value;
const isRevealed = () => Boolean(stage.querySelector("[data-reveal]"));

function wish() {
  const { round, category, language } = root.dataset;
  return Object.entries({ round, category, language }).filter(([, value]) => value);
}

function parse(html) {
  const template = document.createElement("template");
  template.innerHTML = html.trim();
  return template.content;
}

function tokenIn(html) {
  return html && parse(html).querySelector("[name=token]").value;
}

async function preload() {
  const form = ballot();
  if (!form || upcoming) return;
  const address = new URL(root.dataset.nextUrl, location.href);
  for (const [name, value] of [...wish(), ["after", tokenOf(form)]]) address.searchParams.set(name, value);
  try {
    const response = await fetch(address, { headers: { Accept: "text/html" } });
    if (response.status === 200) keep(await response.text());
  } catch {
    // the next battle is then loaded when it is asked for
  }
}

function keep(html) {
  const token = tokenIn(html);
  if (!token || held.has(token)) return;
  held.add(token);
  if (upcoming) queued = html;
  else upcoming = html;
}

function drop() {
  for (const html of [upcoming, queued]) held.delete(tokenIn(html));
  [upcoming, queued] = [null, null];
}

async function cast(choice) {
  const form = ballot();
  if (!form || isSending || isRevealed()) return;
  const data = new FormData(form);
  data.set("choice", choice);
  if (upcoming) data.set("after", tokenIn(upcoming));
  for (const [name, value] of wish()) data.set(name, value);
  // whose battle it is, the server knows; the token only says that this page sent the vote
  if (csrfToken()) data.set("csrfmiddlewaretoken", csrfToken());
  isSending = true;
  form.setAttribute("aria-busy", "true");
  const slow = setTimeout(() => toast(root.dataset.textSlow, "warning"), SLOW_MS);
  try {
    const response = await fetch(root.dataset.castUrl, {
      method: "POST",
      body: data,
      headers: { Accept: "application/json" },
    });
    await take(response, form, choice);
  } catch {
    toast(document.body.dataset.textOffline);
  } finally {
    clearTimeout(slow);
    isSending = false;
    form.removeAttribute("aria-busy");
  }
}

async function take(response, form, choice) {
  const isJson = response.headers.get("content-type")?.startsWith("application/json");
  if (!isJson) return toast(document.body.dataset.textFailed);
  const told = await response.json();
  if (told.code === "round_closed") return location.assign(root.dataset.voteUrl);
  if (told.text) toast(told.text, "warning");
  if (told.bar) reveal(form, told);
  if (told.progress_html) document.querySelector("[data-progress]").innerHTML = told.progress_html;
  if (response.ok) {
    keep(told.next);
    if (choice === "skip") await showNext();
  } else if (["unknown", "foreign", "expired", "already_skipped"].includes(told.code)) {
    if (["foreign", "expired"].includes(told.code)) drop(); // those in hand will be so as well
    await showNext();
  } else if (!told.bar && told.code === "already_voted") {
    await showNext();
  }
}

function reveal(form, told) {
  form.querySelector("[data-panes]").dataset.chosen = told.choice;
  for (const position of ["left", "right"]) {
    form.querySelector(`[data-pane="${position}"] [data-name]`).innerHTML = told[position];
  }
  const bar = form.querySelector("[data-bar]");
  bar.innerHTML = told.bar;
  window.htmx?.process(bar);
  say(told.said);
  bar.querySelector("[data-next]").focus({ preventScroll: true });
}

async function showNext() {
  if (!upcoming) await preload();
  if (!upcoming) return location.assign(root.dataset.voteUrl);
  stage.replaceChildren(parse(upcoming));
  [upcoming, queued] = [queued, null];
  const form = ballot();
  form.classList.add("is-new");
  setUp(form);
  say(root.dataset.textNext);
  form.querySelector("[data-question]").focus({ preventScroll: true });
  if (matchMedia("(max-width: 48rem)").matches) form.scrollIntoView({ block: "start" });
  document.body.dispatchEvent(new CustomEvent("agon:content", { detail: form }));
  if (!upcoming) preload();
}

function say(text) {
  said.textContent = "";
  requestAnimationFrame(() => (said.textContent = text));
}

function setUp(form) {
  scrollTogether(form);
  switchPanes(form);
  seeAnswersBesideReasons(form);
  unfoldQuestion(form);
}

function onSubmit(event) {
  const form = event.target.closest("[data-ballot]");
  if (!form || !event.submitter) return;
  event.preventDefault();
  cast(event.submitter.value);
}

function onKey(event) {
  if (!isPlainKey(event)) return;
  if (isRevealed()) {
    if (event.key === "n" || event.key === "N") showNext();
    return;
  }
  const choice = choiceOf(event);
  if (!choice) return;
  event.preventDefault();
  sayMuch(event, ballot());
  cast(choice);
}

function onClick(event) {
  if (isLaterClick(event) && event.target.closest("[data-bar]")) return event.preventDefault();
  const isForAnotherTab = event.ctrlKey || event.metaKey || event.shiftKey;
  if (event.target.closest("[data-next]") && !isForAnotherTab) {
    event.preventDefault();
    showNext();
  }
}

if (root) {
  if (ballot()) {
    held.add(tokenOf(ballot()));
    setUp(ballot());
  }
  document.querySelector("[data-wish]")?.addEventListener("change", (event) => event.currentTarget.submit());
  root.addEventListener("submit", onSubmit);
  root.addEventListener("click", onClick);
  document.addEventListener("keydown", onKey);
  // a page brought back by the back button shows a battle that may be voted on already
  window.addEventListener("pageshow", (event) => event.persisted && location.reload());
  preload();
}
