// Live battles: one socket, one or two streaming answers, a vote. Names come with the reveal.
import { growing } from "./growing.js";
import {
  choiceOf, isLaterClick, isPlainKey, offerTogether, sayMuch, scrollTogether, seeAnswersBesideReasons, switchPanes,
} from "./panes.js";

const root = document.querySelector("[data-live]");
const find = (selector) => root.querySelector(selector);
const SIDES = ["left", "right"];
const RETRIES = 15; // with these pauses a minute, for which the room waits
const LONGEST_PAUSE_MS = 5000;

const panes = root ? SIDES.map((side) => find(`[data-pane=${side}] [data-scrolls]`)).filter(Boolean) : [];
let socket = null;
const KEPT = `agon-live-${root?.dataset.mode}`;
let room = sessionStorage.getItem(KEPT); // key of the room, to come back to after a dropped connection or a reload
let isMoved = false; // the conversation goes on in another tab
let attempts = 0;
let waiting = []; // what was asked before the socket was ready
let editing = null; // number of the turn whose prompt is being rewritten
let state = { streaming: false, votable: false, failed: false, over: false };
let turns = 0;
const texts = new WeakMap(); // of replies
let isNewWanted = false; // the visitor asked for the next room
let isAskWaiting = false; // a prompt was sent off before the room was there
let isResuming = false; // what the room holds is on its way, and replaces what is on the screen
let isVoting = false; // the reveal is on its way
let isGivenUp = false; // until somebody does something, or the network is back

function connect() {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  socket = new WebSocket(`${scheme}//${location.host}${root.dataset.socket}`);
  socket.addEventListener("open", () => {
    if (room) resume();
    else open();
  });
  socket.addEventListener("message", (event) => receive(JSON.parse(event.data)));
  socket.addEventListener("close", reconnect);
}

function reconnect(event) {
  if (event.code === 4401 || isMoved) return;
  isGivenUp = attempts >= RETRIES;
  if (isGivenUp) return tell(root.dataset.textLost);
  if (attempts === 0) tell(root.dataset.textDropped);
  setTimeout(connect, Math.min(300 * 2 ** attempts, LONGEST_PAUSE_MS));
  attempts += 1;
}

function tryAgain() {
  if (!isGivenUp) return;
  isGivenUp = false;
  attempts = 1; // it is told what has dropped
  note(root.dataset.textDropped);
  connect();
}

function send(message) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
  else {
    waiting.push(message);
    tryAgain();
  }
}

function resume() {
  isResuming = true;
  send({ do: "resume", key: room });
}

function open() {
  const models = [...root.querySelectorAll("[data-model]")].map((choice) => choice.value);
  socket.send(JSON.stringify({ do: "open", mode: root.dataset.mode, models }));
}

const acts = {
  room(message) {
    if (room === message.key && attempts) {
      note("");
      say(root.dataset.textBack);
    }
    attempts = 0;
    isVoting = isResuming = false;
    room = message.key;
    sessionStorage.setItem(KEPT, room);
    clear();
    message.names.forEach((name, side) => {
      nameOf(side).textContent = name;
      const choice = root.querySelectorAll("[data-model]")[side];
      const option = [...(choice?.options ?? [])].find((one) => one.text === name);
      if (option) choice.value = option.value;
    });
    message.turns.forEach((turn, number) => {
      addTurn(number, turn.prompt);
      turn.replies.forEach((reply, side) => finish(number, side, reply));
    });
    update(message);
    if (isNewWanted) find("[data-prompt]").focus({ preventScroll: true });
    isNewWanted = false;
    for (const kept of waiting.splice(0)) send(kept);
    if (isAskWaiting) ask();
  },
  text(message) {
    message.words.forEach((words, side) => {
      const blocks = message.blocks?.[side];
      if (!blocks && !words) return;
      const text = texts.get(replyAt(message.turn, side));
      followingEnd(panes[side], () => (blocks ? text.change(blocks) : text.add(words)));
    });
  },
  done(message) {
    message.replies.forEach((reply, side) => finish(message.turn, side, reply));
    offerTogether(root);
    update(message);
    if (message.votable) say(root.dataset.textFinished);
    else if (message.failed) say(root.dataset.textFailed);
    else say(root.dataset.textFinishedOne);
  },
  reveal(message) {
    find("[data-panes]").dataset.chosen = message.choice;
    SIDES.forEach((side, number) => (nameOf(number).innerHTML = message[side]));
    const bar = find("[data-reveal-bar]");
    bar.innerHTML = message.bar;
    bar.hidden = false;
    update({ ...state, over: true });
    say(bar.querySelector(".reveal-text").textContent.trim());
    bar.querySelector("[data-new]").focus({ preventScroll: true });
  },
  moved() {
    isMoved = true;
    room = null;
    sessionStorage.removeItem(KEPT);
    socket.close();
    update({ ...state, streaming: false, over: true });
    const bar = find("[data-reveal-bar]");
    const fresh = find(".composer [data-new]").cloneNode(true);
    fresh.hidden = false;
    bar.replaceChildren(root.dataset.textMoved, " ", fresh);
    bar.hidden = false;
    say(root.dataset.textMoved);
  },
  refused(message) {
    isVoting = isResuming = false;
    if (message.code === "expired" && room) {
      room = null;
      open();
      if (turns === 0) return note(""); // a page just opened has nothing on it to be sorry for
    }
    if (message.code !== "expired") isAskWaiting = false; // no later choice of a model sends it off
    tell(message.text);
    if (pending) find("[data-prompt]").value ||= pending;
    pending = null;
    find(message.code === "consent" ? "[data-agree]" : "[data-prompt]").focus({ preventScroll: true });
    // what was put on the screen too early is taken back by the server's own account of the room
    if (room) resume();
  },
};

function receive(message) {
  if (message.is === "text" || message.is === "done") pending = null;
  acts[message.is]?.(message);
}

const nameOf = (side) => root.querySelectorAll("[data-name]")[side];

function addTurn(number, prompt) {
  panes.forEach((body) => {
    body.querySelector("[data-hint]")?.remove();
    const asked = document.createElement("div");
    asked.className = "turn-question";
    asked.dataset.turn = number;
    const head = document.createElement("header");
    const who = document.createElement("span");
    who.className = "eyebrow";
    who.textContent = root.dataset.textYou;
    const edit = document.createElement("button");
    edit.type = "button";
    edit.className = "turn-edit";
    edit.dataset.edit = number;
    edit.textContent = root.dataset.textEdit;
    head.append(who, edit);
    const words = document.createElement("div");
    words.className = "turn-words";
    words.dir = "auto";
    words.textContent = prompt;
    asked.append(head, words);
    const reply = document.createElement("div");
    reply.className = "reply is-streaming";
    reply.dataset.turn = number;
    reply.dataset.reply = number;
    reply.setAttribute("aria-busy", "true");
    const text = document.createElement("div");
    text.className = "prose reply-text";
    text.dir = "auto"; // that of its first letter
    text.dataset.waiting = root.dataset.textWaiting;
    texts.set(reply, growing(text));
    reply.append(text);
    body.append(asked, reply);
    if (words.scrollHeight > words.clientHeight) words.tabIndex = 0; // a long one scrolls
    body.scrollTop = body.scrollHeight;
  });
  turns = number + 1;
}

const isAtEnd = (body) => body.scrollHeight - body.scrollTop - body.clientHeight < 60;

function followingEnd(body, change) {
  const isFollowed = isAtEnd(body);
  change();
  if (isFollowed) body.scrollTop = body.scrollHeight;
}

const wordsOf = (asked) => asked.querySelector(".turn-words").textContent;
const replyAt = (number, side) => panes[side].querySelector(`[data-reply="${number}"]`);

function finish(number, side, reply) {
  const place = replyAt(number, side);
  const isStreaming = reply.state === "streaming";
  place.classList.toggle("is-streaming", isStreaming);
  place.setAttribute("aria-busy", isStreaming);
  if (isStreaming) texts.get(place).change(reply.blocks);
  else {
    place.firstElementChild.dataset.waiting = "";
    followingEnd(panes[side], () => texts.get(place).finish(reply.html));
    document.body.dispatchEvent(new CustomEvent("agon:content", { detail: place }));
  }
  followingEnd(panes[side], () => noteEnd(place, reply.state));
}

function noteEnd(place, ending) {
  place.querySelector(".reply-note")?.remove();
  const isFailed = ending === "failed" || ending === "empty";
  if (!isFailed && ending !== "stopped") return;
  const told = document.createElement("p");
  told.className = `reply-note${isFailed ? " is-failed" : ""}`;
  told.textContent = isFailed ? root.dataset.textFailed : root.dataset.textStopped;
  place.append(told);
}

function removeFrom(number) {
  for (const part of root.querySelectorAll("[data-turn]")) {
    if (Number(part.dataset.turn) >= number) part.remove();
  }
  turns = Math.min(turns, number);
}

function clear() {
  removeFrom(0);
  delete find("[data-panes]").dataset.chosen;
  find("[data-reveal-bar]").hidden = true;
  find("[data-reveal-bar]").replaceChildren();
  for (const said of root.querySelectorAll("[data-why] :checked")) said.checked = false;
  if (root.dataset.mode === "blind") {
    for (const name of root.querySelectorAll("[data-name]")) {
      name.innerHTML = '<span class="pane-hidden"></span>';
      name.firstElementChild.textContent = root.dataset.textHidden;
    }
  }
}

function update({ streaming, votable, failed, over }) {
  state = { streaming, votable, failed, over };
  const pressed = document.activeElement; // hiding it leaves the focus nowhere
  const followed = panes.filter(isAtEnd); // what the bar shows more takes room from them
  root.toggleAttribute("data-over", over);
  const isOpen = !over && turns > 0 && (votable || streaming) && !failed;
  show("[data-votes]", isOpen);
  show("[data-why]", isOpen);
  show("[data-stop]", streaming);
  show("[data-send]", !streaming);
  show("[data-again]", !streaming && !over && turns > 0);
  show(".composer [data-new]", !streaming && !over && turns > 0);
  const agree = find(".live-consent");
  if (agree && turns > 0) agree.hidden = find("[data-agree]").checked;
  for (const choice of root.querySelectorAll("[data-model]")) choice.disabled = turns > 0;
  for (const edit of root.querySelectorAll("[data-edit]")) edit.hidden = streaming || over;
  for (const body of followed) body.scrollTop = body.scrollHeight;
  const isGone = root.contains(pressed) && !pressed.checkVisibility();
  if (isGone && matchMedia("(hover: hover)").matches) find("[data-prompt]").focus({ preventScroll: true });
}

function show(selector, isShown) {
  const part = find(selector);
  if (part) part.hidden = !isShown;
}

let pending = null; // the prompt on its way, to be given back when it is refused

function ask() {
  const field = find("[data-prompt]");
  const text = field.value.trim();
  if (!text) return;
  isAskWaiting = room === null || isResuming || socket.readyState !== WebSocket.OPEN;
  if (isAskWaiting) return tryAgain();
  if (state.streaming) return;
  const limit = Number(root.dataset.limit);
  if ([...text].length > limit) {
    const told = root.dataset.textLong.replace("{n}", [...text].length).replace("{limit}", limit);
    return tell(told);
  }
  note("");
  pending = text;
  if (editing !== null) again(editing, text);
  else {
    addTurn(turns, text);
    send({ do: "prompt", text });
    update({ ...state, streaming: true, failed: false });
  }
  editing = null;
  field.value = "";
}

function again(number, text) {
  const prompt = text ?? wordsOf(panes[0].querySelector(`.turn-question[data-turn="${number}"]`));
  removeFrom(number);
  addTurn(number, prompt);
  send({ do: "again", turn: number, text: prompt });
  update({ ...state, streaming: true, failed: false });
}

function startNew() {
  room = null;
  isMoved = false;
  isNewWanted = true;
  leaveEditing();
  note("");
  if (socket?.readyState === WebSocket.OPEN) open();
  else {
    attempts = 0;
    connect();
  }
}

function startEditing(number, asked) {
  editing = number;
  const field = find("[data-prompt]");
  field.value = wordsOf(asked);
  field.focus();
  tell(root.dataset.textEditing);
}

function leaveEditing() {
  if (editing === null) return;
  editing = null;
  find("[data-prompt]").value = "";
  note("");
}

function onClick(event) {
  if (isLaterClick(event) && event.target.closest(".live-bar")) return event.preventDefault();
  const target = event.target.closest("button, input");
  if (!target) return;
  const { choice, edit } = target.dataset;
  if (choice) vote(choice);
  else if (edit !== undefined) startEditing(Number(edit), target.closest(".turn-question"));
  else if ("stop" in target.dataset) send({ do: "stop" });
  else if ("again" in target.dataset) again(turns - 1);
  else if ("new" in target.dataset) startNew();
  else if ("agree" in target.dataset && target.checked) send({ do: "agree" });
}

function vote(choice) {
  if (isVoting) return;
  isVoting = true;
  const said = [...root.querySelectorAll("[data-why] :checked")];
  const strength = said.find((field) => field.name === "strength");
  const reasons = said.filter((field) => field.name === "reasons").map((field) => field.value);
  send({ do: "vote", choice, strength: strength ? Number(strength.value) : null, reasons });
}

// The keys of stored battles; they rest while somebody writes, so Escape leaves the prompt first.
function onVoteKey(event) {
  const votes = find("[data-votes]");
  if (event.key === "Escape" && event.target.matches("[data-prompt]")) {
    if (editing === null) event.target.blur();
    else leaveEditing();
  }
  if (!votes || votes.hidden || !isPlainKey(event)) return;
  const choice = choiceOf(event);
  if (!choice || choice === "skip") return;
  event.preventDefault();
  sayMuch(event, root);
  vote(choice);
}

function onKey(event) {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  ask();
}

function note(text) {
  find("[data-note]").textContent = text;
}

// On the screen, and to who cannot see it.
function tell(text) {
  note(text);
  say(text);
}

function say(text) {
  find("[data-said]").textContent = text ?? "";
}

if (root) {
  connect();
  root.addEventListener("click", onClick);
  find("[data-prompt]").addEventListener("keydown", onKey);
  document.addEventListener("keydown", onVoteKey);
  window.addEventListener("online", tryAgain);
  document.addEventListener("visibilitychange", () => document.hidden || tryAgain());
  switchPanes(root);
  scrollTogether(root);
  seeAnswersBesideReasons(root);
  find("[data-composer]").addEventListener("submit", (event) => {
    event.preventDefault();
    ask();
  });
  for (const choice of root.querySelectorAll("[data-model]")) {
    choice.addEventListener("change", () => socket?.readyState === WebSocket.OPEN && open());
  }
}
