// Relevo web chat; its other side: relevo.channels.web.wire.
// Nothing that a person wrote becomes HTML: every node is made by h().

const options = [...document.scripts].find(({ src }) => src === import.meta.url).dataset;
const isPage = options.mode === "page";
const base = new URL(`web/${options.channel}/`, import.meta.url);

const PATIENCE = 15000;
const NO_EVENTS_FOR = 120000; // after they failed twice
const SILENCE = 5000; // until what was stored must have come back

const words = {
  open: "Open chat", close: "Close chat", title: "Chat", log: "Conversation", write: "Write a message…", send: "Send",
  file: "Attach a file", place: "Share your location", here: "My location", map: "Open map", you: "You", bot: "Bot",
  typing: "is typing", retry: "Not sent. Try again", remove: "Remove", jump: "New messages",
  connecting: "Connecting…", offline: "You are offline. Messages are sent later.",
  gone: "This chat is not available right now.", big: "{} is too large. The limit is {}.", refused: "{} could not be sent.",
  unknown: "This message cannot be shown.", unread: "{} unread",
  queued: "Sending", sent: "Sent", delivered: "Delivered", read: "Read",
  ...JSON.parse(options.words || "{}"),
};
const say = (name, ...values) => values.reduce((text, value) => text.replace("{}", () => value), words[name]);
const lang = options.lang || document.documentElement.lang || navigator.language;
const size = (bytes) => `${Math.ceil(bytes / 104857.6) / 10} MB`;

// What outlasts the page

const memory = {};
let isKept = true;
const place = (name) => `relevo:${options.channel}:${name}`;

function load(name, otherwise) {
  try {
    if (isKept) memory[name] = JSON.parse(localStorage[place(name)]);
  } catch {}
  return memory[name] ?? otherwise;
}

function save(name, value) {
  memory[name] = value;
  try {
    localStorage[place(name)] = JSON.stringify(value);
  } catch {
    isKept = false;
  }
}

const queue = () => load("queue", []);
const dequeue = (id) => save("queue", queue().filter((item) => item.id !== id));
const mark = (id, failed) => save("queue", queue().map((item) => (item.id === id ? { ...item, failed } : item)));

// Calls

const wait = (attempt) => Math.min(30000, 500 * 2 ** attempt) * (0.5 + Math.random());
const sleep = (ms) => new Promise((resolve) => setTimeout((wake = resolve), ms));
const isTemporary = ({ status }) => !/^4(?!01|29)/.test(status);
let wake = () => {};

async function call(path, body, patience = PATIENCE) {
  const answer = await fetch(new URL(path, base), {
    method: body ? "POST" : "GET",
    body: body && JSON.stringify(body),
    headers: { "content-type": "application/json", authorization: `Bearer ${load("token")}` },
    signal: AbortSignal.timeout(patience),
    cache: "no-store",
  });
  if (!answer.ok) throw answer;
  return answer.json().catch(() => ({}));
}

let session;
let limits = { upload_limit: 25 * 2 ** 20, capabilities: {} };

const profile = {
  name: options.name, email: options.email, phone: options.phone, locale: navigator.language,
  timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
};

function begin() {
  session ||= call("session", { token: load("token", ""), profile }).then(welcome);
  return session.catch((error) => {
    session = null;
    throw error;
  });
}

function welcome(answer) {
  const user = load("user"); // none before the conversation begins
  if (user && user !== answer.user_ns) forget();
  save("token", answer.token);
  save("user", answer.user_ns);
  last = Math.max(last, answer.after);
  dress(answer);
  return (limits = answer);
}

async function ask(...asked) {
  const used = await begin();
  return call(...asked).catch(async (error) => {
    if (error.status !== 401) throw error;
    if (used === (await session)) session = null; // else it is new already
    await begin();
    return call(...asked);
  });
}

// Listening. Up to the seq `last` nothing is missing.

let last = 0;
let round = 0; // a newer one ends the older
let failures = 0; // of events, in a row
let noEventsUntil = 0;
let wantsOpen = false;
let drop = () => {};

const canStream = () => limits.capabilities.events !== false && performance.now() >= noEventsUntil;

async function listen() {
  const mine = rest();
  if (!host.dataset.state) setState("connecting");
  for (let attempt = 0; mine === round; ) {
    const started = performance.now();
    try {
      await begin();
      if (wantsOpen) wantsOpen = await ask("open", { profile }).then(() => false);
      for (let before = -1; before < last; take(await ask(`messages?after=${last}&wait=0`))) before = last;
      log.ariaBusy = null;
      setState("online");
      flush();
      receipts();
      await (mine === round && canStream() ? stream() : poll(mine));
      attempt = 0;
    } catch (error) {
      if (mine !== round) return;
      if (performance.now() - started > 10000) attempt = 0;
      setState(!isTemporary(error) ? "gone" : navigator.onLine ? "connecting" : "offline");
      await sleep(wait(attempt++));
    }
  }
}

function rest() {
  drop();
  wake();
  return ++round;
}

async function poll(mine) {
  host.dataset.transport = "poll";
  while (mine === round && !canStream()) {
    const asked = performance.now();
    const answer = await ask(`messages?after=${last}&wait=25`, null, 25000 + PATIENCE);
    take(answer);
    if (!answer.messages.length && performance.now() - asked < 1000) await sleep(2000);
  }
}

function stream() {
  return new Promise((_, reject) => {
    const source = new EventSource(new URL(`events?after=${last}&token=${encodeURIComponent(load("token"))}`, base));
    const end = (isBroken) => {
      clearTimeout(timer);
      source.close();
      drop = () => {};
      if (isBroken && ++failures > 1) noEventsUntil = performance.now() + NO_EVENTS_FOR;
      reject({});
    };
    const on = (type, act) =>
      source.addEventListener(type, ({ data }) => {
        failures = 0;
        act(JSON.parse(data));
      });
    const timer = setTimeout(end, PATIENCE, true);
    drop = end;
    source.onopen = () => {
      clearTimeout(timer);
      host.dataset.transport = "events";
      source.onerror = () => end();
    };
    source.onerror = end;
    on("message", receive);
    on("typing", showTyping);
    on("status", ({ seqs, status }) => seqs.forEach((seq) => setStatus(entries.find((one) => one.seq === seq), status)));
  });
}

function take({ messages, next }) {
  messages.forEach(receive);
  last = Math.max(last, next);
}

function receive(message) {
  last = Math.max(last, message.seq);
  if (message.type === "in") dequeue(message.mid);
  else showTyping(false);
  show(message);
}

// Saying: in order, one tab at a time

let isFlushing = false;
let flushAttempt = 0;

const newId = () => crypto.getRandomValues(new Uint32Array(4)).join("_");

function post(body, content) {
  body.id ||= newId();
  const item = { id: body.id, body, content, ts: Date.now() / 1000 };
  save("queue", [...queue(), item]);
  showQueued(item);
  flush();
}

async function flush() {
  if (isFlushing) return;
  isFlushing = true;
  try {
    await (navigator.locks?.request(place("queue"), sendAll) ?? sendAll());
    flushAttempt = 0;
  } catch {
    setTimeout(flush, wait(flushAttempt++));
  }
  isFlushing = false;
}

async function sendAll() {
  for (let item; (item = queue().find(({ failed }) => !failed)); ) {
    const { id, body } = item;
    try {
      const { seq } = await ask("messages", body);
      dequeue(id);
      if (!byKey.get(id)?.seq) show({ ...item, mid: id, type: "in", seq, status: "sent" });
      setTimeout(() => last < seq && drop(true), SILENCE); // a silent stream
    } catch (error) {
      if (isTemporary(error)) throw error;
      mark(id, true);
      setStatus(byKey.get(id), "failed");
    }
  }
}

function retry(entry) {
  setStatus(entry, "queued");
  if (entry.file) return upload(entry);
  mark(entry.mid, false);
  flush();
}

// Files: uploaded, then said

let uploads = Promise.resolve();

const tooBig = (file) => say("big", file.name, size(limits.upload_limit));
const upload = (entry) => (uploads = uploads.then(() => tryUpload(entry)));

function sendFile(file, caption) {
  const type = /^(image|video|audio)\//.exec(file.type)?.[1] || "file";
  const content = { kind: "media", type, url: URL.createObjectURL(file), title: file.name, size: file.size, caption };
  const entry = show({ mid: newId(), type: "in", content, ts: Date.now() / 1000, status: "queued" });
  entry.file = file;
  upload(entry);
}

async function tryUpload(entry) {
  const { file, content, mid } = entry;
  for (let attempt = 0; ; await sleep(wait(attempt++))) {
    try {
      const { media_id } = await transfer(entry);
      entry.file = null;
      return post({ id: mid, upload: { media_id }, caption: content.caption }, { ...content, url: "" });
    } catch (error) {
      if (isTemporary(error) && attempt < 6) continue;
      notice(error.status === 413 ? tooBig(file) : say("refused", file.name));
      return setStatus(entry, "failed");
    }
  }
}

async function transfer(entry) {
  await begin();
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest(); // fetch tells no progress
    request.open("POST", new URL(`uploads?name=${encodeURIComponent(entry.file.name)}`, base));
    request.setRequestHeader("authorization", `Bearer ${load("token")}`);
    request.setRequestHeader("content-type", entry.file.type || "application/octet-stream");
    request.responseType = "json";
    request.upload.onprogress = ({ loaded, total }) => {
      entry.bar.hidden = loaded === total;
      entry.bar.value = loaded / total;
    };
    request.onerror = reject;
    request.onload = () => {
      if (request.status === 401) session = null;
      request.status < 300 ? resolve(request.response) : reject(request);
    };
    request.send(entry.file);
  });
}

// Receipts and typing

let receiptTimer;
let told;
let typedAt = -1e9;

const isOpen = () => host.dataset.open === "true";

function receipts() {
  clearTimeout(receiptTimer);
  receiptTimer = setTimeout(tellReceipts, 300);
}

function tellReceipts() {
  const up_to_seq = entries.findLast(({ type }) => type !== "in")?.seq;
  const status = isOpen() && !document.hidden ? "read" : "delivered";
  if (!up_to_seq || told === status + up_to_seq) return;
  told = status + up_to_seq;
  if (status === "read") save("read", up_to_seq);
  ask("receipts", { status, up_to_seq }).catch(() => (told = ""));
}

function typed() {
  if (performance.now() - typedAt < 3000 || host.dataset.state !== "online") return;
  typedAt = performance.now();
  ask("typing", {}).catch(() => {});
}

// Making nodes

function h(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const name in attributes) {
    const value = attributes[name];
    if (typeof value === "function") node[name] = value;
    else if (value != null && value !== false) node.setAttribute(name, value);
  }
  node.append(...children.flat().filter(Boolean));
  return node;
}

const ICONS = {
  chat: "M4 7a3 3 0 0 1 3-3h10a3 3 0 0 1 3 3v7a3 3 0 0 1-3 3h-7l-4 4v-4a3 3 0 0 1-2-3Z",
  close: "m6 6 12 12M6 18 18 6",
  down: "m6 9 6 6 6-6",
  send: "M12 19V5m-6 6 6-6 6 6",
  file: "m20 12-8 8a5 5 0 0 1-7-7l8-8a3 3 0 0 1 5 5l-8 8a2 2 0 0 1-3-3l7-7",
  place: "M12 21s7-6 7-11a7 7 0 0 0-14 0c0 5 7 11 7 11Zm0-9a2 2 0 1 0 0-4 2 2 0 0 0 0 4Z",
  queued: "M12 7v5l3 2m-3 7a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z",
  sent: "m5 13 4 4L19 7",
  delivered: "m2 13 4 4L15 7m-3 9 1 1L22 7",
};
ICONS.read = ICONS.delivered;

function icon(name, label) {
  const [svg, path] = ["svg", "path"].map((tag) => document.createElementNS("http://www.w3.org/2000/svg", tag));
  path.setAttribute("d", ICONS[name]);
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", name);
  svg.setAttribute("role", "img");
  svg.setAttribute(label ? "aria-label" : "aria-hidden", label || true);
  svg.append(path);
  return svg;
}

const button = (onclick, ...children) => h("button", { onclick }, ...children);
const bubble = (...children) => h("div", { class: "bubble" }, ...children);
const anchor = (href, attributes, ...children) =>
  h("a", { href: safe(href), target: "_blank", rel: "noreferrer nofollow", ...attributes }, ...children);

// null for javascript: and the like
function safe(link) {
  try {
    const url = new URL(link || "none:", base);
    return /^(https?|blob|tel|mailto):$/.test(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

const dial = (phone) => "tel:" + phone.replace(/[^\d+]/g, "");
const LINK = /(https?:\/\/|www\.)[^\s<>"']+|[\w.+-]+@[\w-]+\.[\w.-]*\w|\+\d[\d ()-]{6,}\d/;
const MARK = /(^|[\s(])([*_])(\S(?:[^\n]{0,300}?\S)?)\2(?=$|[\s).,;:!?])/;

// A text as nodes, with links, *bold* and _italics_
function rich(text) {
  const link = LINK.exec(text);
  const mark = MARK.exec(text);
  if (mark && !(link?.index <= mark.index)) {
    const node = h(mark[2] === "*" ? "b" : "i", null, ...rich(mark[3]));
    return [text.slice(0, mark.index) + mark[1], node, ...rich(text.slice(mark.index + mark[0].length))];
  }
  if (!link) return [text];
  let found = link[0].replace(/[.,;:!?*_]+$/, "");
  if (!found.includes("(")) found = found.replace(/\).*/, "");
  const href = link[1] ? found.replace(/^www/, "https://www") : found.includes("@") ? "mailto:" + found : dial(found);
  return [text.slice(0, link.index), anchor(href, null, found), ...rich(text.slice(link.index + found.length))];
}

function draw(content) {
  const { kind, text, title, emoji, caption, cards, contacts } = content;
  if (kind === "media") return [media(content), caption && bubble(rich(caption)), choices(content.buttons)];
  if (kind === "location") return [spot(content)];
  if (kind === "contacts") return contacts.map(person);
  if (kind === "cards") return [h("div", { class: "cards", tabindex: 0 }, cards.map(card))];
  const said = text || title || emoji;
  return [said ? bubble(rich(said)) : !content.buttons && bubble(h("i", null, say("unknown"))), choices(content.buttons)];
}

const chip = (href, name, symbol, note, attributes) =>
  anchor(href, { class: "bubble chip", ...attributes }, icon(symbol), h("span", null, h("b", null, name), h("small", null, note)));

function media({ type, url, title, size: bytes, caption }) {
  const src = safe(url);
  const name = title || caption || type;
  const asFile = () => chip(src, name, "file", bytes && size(bytes), { download: name });
  if (!src || type === "file") return asFile();
  if (type === "video" || type === "audio")
    return h(type, { class: type, controls: "", playsinline: "", preload: "metadata", src, "aria-label": name });
  const link = anchor(src, { class: type });
  link.append(h("img", { alt: name, src, onload: stay, onerror: () => link.replaceWith(asFile()) }));
  return link;
}

const spot = ({ latitude, longitude, name, address }) =>
  chip(`https://maps.google.com/?q=${latitude},${longitude}`, name || say("here"), "place", address || say("map"));

const person = ({ name, phones = [], emails = [] }) => bubble(rich([`*${name}*`, ...phones, ...emails].join("\n")));

function card({ title, subtitle, image_url, action_url, buttons }) {
  const image = image_url && h("img", { src: safe(image_url), alt: "", onload: stay });
  const about = [image, h("b", null, title), h("small", null, subtitle)];
  return h("div", { class: "card" }, action_url ? anchor(action_url, null, about) : h("div", null, about), choices(buttons));
}

const choices = (buttons) => buttons && h("div", { class: "choices" }, buttons.map(choice));

function choice({ kind, title, id, target }) {
  if (!target) return button(() => press(id, title), title);
  return anchor(kind === "call" ? dial(target) : target, null, title);
}

function press(id = "", title) {
  post({ press: { id, title } }, { kind: "interactive", title });
  focusInput();
}

// The conversation: in the order of seq, what is not stored at the end

let entries = [];
const byKey = new Map();

function show(message) {
  const isOwn = message.type === "in";
  const key = (isOwn && message.mid) || message.seq;
  let entry = byKey.get(key);
  if (entry) {
    entries = entries.filter((one) => one !== entry);
    entry.seq = message.seq;
    entry.ts = message.ts;
  } else {
    byKey.set(key, (entry = { ...message }));
    build(entry);
  }
  const at = entries.findLastIndex((one) => (one.seq ?? Infinity) <= (entry.seq ?? Infinity)) + 1;
  const next = entries[at]?.node || tail;
  entries.splice(at, 0, entry);
  if (entry.node.nextSibling !== next) log.insertBefore(entry.node, next);
  setStatus(entry, message.status);
  if (isOwn && !entry.seq) isAtEnd = true;
  arrangeSoon();
  return entry;
}

const showQueued = ({ id, content, ts, failed }) => show({ mid: id, type: "in", content, ts, status: failed ? "failed" : "queued" });

function build(entry) {
  const { type, content, username } = entry;
  const name = type === "in" ? say("you") : username || say("bot");
  const initials = name.split(/\s+/).map(([letter]) => letter).slice(0, 2);
  entry.meta = h("div", { class: "meta" });
  entry.bar = h("progress", { hidden: "", "aria-label": content.title });
  entry.node = h("div", { class: "message " + type },
    type !== "in" && h("div", { class: "face", "aria-hidden": true }, initials),
    h("div", { class: "body" }, h("div", { class: "who" }, name), draw(content), entry.bar, entry.meta));
}

const RANK = ["queued", "failed", "sent", "delivered", "read"];

function setStatus(entry, status) {
  if (!entry) return;
  const isForward = RANK.indexOf(status) > RANK.indexOf(entry.status) || entry.status === "failed";
  if (isForward) entry.status = status;
  const { ts, type, meta, node } = entry;
  node.classList.toggle("waiting", entry.status === "queued");
  entry.bar.hidden = true;
  const time = h("time", null, new Date(ts * 1000).toLocaleTimeString(lang, { hour: "numeric", minute: "2-digit" }));
  if (type !== "in") meta.replaceChildren(time);
  else if (entry.status === "failed") meta.replaceChildren(button(() => retry(entry), say("retry")));
  else meta.replaceChildren(time, icon(entry.status, say(entry.status)));
}

let isArranging = false;

function arrangeSoon() {
  if (!isArranging) queueMicrotask(arrange);
  isArranging = true;
}

function arrange() {
  isArranging = false;
  entries.forEach((entry, at) => {
    const { node, ts } = entry;
    const before = entries[at - 1];
    node.classList.toggle("first", !isSameGroup(before, entry));
    node.classList.toggle("end", !isSameGroup(entry, entries[at + 1]));
    if (before && midnight(before.ts) === midnight(ts)) delete node.dataset.day;
    else node.dataset.day = dayName(ts);
  });
  const offered = entries.at(-1)?.content.quick_replies || [];
  replies.replaceChildren(...offered.map(({ id, title }) => button(() => press(id, title), title)));
  showUnread();
  stay();
  receipts();
}

const midnight = (ts) => new Date(ts * 1000).setHours(0, 0, 0, 0);
const groupOf = ({ type, username, status, ts }) => [type, username, status === "failed", midnight(ts)].join();
const isSameGroup = (a, b) => a && b && b.ts - a.ts < 300 && groupOf(a) === groupOf(b);

function dayName(ts) {
  const days = Math.round((midnight(ts) - midnight(Date.now() / 1000)) / 864e5);
  const text = days > -2
    ? new Intl.RelativeTimeFormat(lang, { numeric: "auto" }).format(days, "day")
    : new Date(ts * 1000).toLocaleDateString(lang, { weekday: "long", day: "numeric", month: "long" });
  return text[0].toUpperCase() + text.slice(1);
}

let typingTimer;

function showTyping(isTyping) {
  clearTimeout(typingTimer);
  tail.hidden = !isTyping;
  if (isTyping) typingTimer = setTimeout(showTyping, 6000, false);
  stay();
}

function showUnread() {
  const count = entries.filter(({ seq, type }) => !isOpen() && type !== "in" && seq > load("read", 0)).length;
  badge.textContent = count;
  badge.hidden = !count;
  launcher.ariaLabel = say(isOpen() ? "close" : "open") + (count ? `, ${say("unread", count)}` : "");
}

function forget() {
  entries.forEach(({ node }) => node.remove());
  entries = [];
  byKey.clear();
  last = 0;
  save("read", 0);
  queue().forEach(showQueued);
}

let isAtEnd = true;
let scrolledTo = 0;

function stay() {
  if (isAtEnd) log.scrollTop = log.scrollHeight;
  jump.hidden = isAtEnd;
}

let bannerTimer;

function tell(text) {
  banner.textContent = text;
  banner.hidden = !text;
}

function setState(state) {
  host.dataset.state = state;
  clearTimeout(bannerTimer);
  bannerTimer = setTimeout(tell, state === "connecting" ? 1500 : 0, words[state]);
}

function notice(text) {
  tell(text);
  clearTimeout(bannerTimer);
  bannerTimer = setTimeout(tell, 7000, words[host.dataset.state]);
}

// The composer

let tray = [];

function add(files) {
  for (const file of files)
    if (file.size > limits.upload_limit) notice(tooBig(file));
    else tray.push({ file, label: file.name });
  drawTray();
}

function locate() {
  navigator.geolocation.getCurrentPosition(({ coords: { latitude, longitude } }) => {
    tray.push({ location: { latitude, longitude }, label: say("here") });
    drawTray();
  }, () => notice(say("refused", say("here"))), { timeout: 20000 });
}

function drawTray() {
  trayNode.replaceChildren(...tray.map((thing) => {
    const remove = button(() => {
      tray = tray.filter((one) => one !== thing);
      drawTray();
      focusInput();
    }, icon("close"));
    remove.ariaLabel = `${say("remove")} ${thing.label}`;
    return h("div", null, icon(thing.file ? "file" : "place"), h("span", null, thing.label), remove);
  }));
  fit();
}

function submit() {
  let text = input.value.trim();
  for (const { file, location } of tray) {
    if (location) post({ location }, { kind: "location", ...location });
    else {
      sendFile(file, text);
      text = "";
    }
  }
  if (text) post({ text }, { text });
  tray = [];
  input.value = "";
  save("draft", "");
  drawTray();
  input.focus();
}

function fit() {
  input.style.height = "auto";
  input.style.height = `${Math.min(input.scrollHeight, 132)}px`;
  sendButton.disabled = !input.value.trim() && !tray.length;
}

// The house

function iconButton(name, label, onclick) {
  const node = button(onclick, icon(name));
  node.ariaLabel = node.title = say(label);
  node.className = name;
  return node;
}

const host = document.createElement("relevo-chat");
const root = host.attachShadow({ mode: "open" });
const style = (name, value) => host.style.setProperty(name, value);
const tail = h("div", { class: "message typing", hidden: "" }, h("div", { class: "bubble", role: "img", "aria-label": say("typing") }, h("i", null, "•••")));
const log = h("div", { class: "log", role: "log", "aria-live": "polite", "aria-label": say("log"), "aria-busy": true, tabindex: 0 }, tail);
const badge = h("span", { class: "badge" });
const launcher = iconButton("chat", "open", () => toggle());
launcher.append(icon("down"), badge);
const name = h("h2");
const subtitle = h("p");
const logo = h("div", { class: "logo", "aria-hidden": true });
const banner = h("div", { class: "banner", role: "status", hidden: "" });
const jump = iconButton("down", "jump", toEnd);
const replies = h("div", { class: "replies" });
const trayNode = h("div", { class: "tray" });
const picker = h("input", { type: "file", multiple: "", hidden: "", onchange: () => add(picker.files) || (picker.value = "") });
const input = h("textarea", { rows: 1, placeholder: say("write"), "aria-label": say("write"), maxlength: 10000 });
const sendButton = iconButton("send", "send", submit);
const panel = h("section", { class: "panel", role: isPage ? "main" : "dialog", "aria-modal": !isPage },
  h("header", null, logo, h("div", null, name, subtitle), !isPage && iconButton("close", "close", () => toggle(false))),
  banner, log, jump, replies,
  h("footer", null, trayNode, h("div", { class: "row" },
    iconButton("file", "file", () => picker.click()), iconButton("place", "place", locate), input, sendButton)),
  picker);

function toEnd() {
  isAtEnd = true;
  stay();
}

// Not where that opens a keyboard
function focusInput() {
  if (!isPage || top === window) (matchMedia("(pointer: coarse)").matches ? log : input).focus({ preventScroll: true });
}

function toggle(open = !isOpen()) {
  if (open && !("open" in host.dataset)) wantsOpen = true;
  host.dataset.open = launcher.ariaExpanded = open;
  if (!open) launcher.focus();
  else {
    if (wantsOpen) start();
    fit();
    toEnd();
    focusInput();
    receipts();
  }
  showUnread();
}

function start() {
  if (!host.dataset.state) queue().forEach(showQueued);
  listen();
}

const again = () => host.dataset.state && listen();

function dress({ title, subtitle: line, color }) {
  name.textContent = panel.ariaLabel = options.title || title || say("title");
  subtitle.textContent = line;
  logo.textContent = [...name.textContent][0];
  const [accent, ...parts] = /^#(..)(..)(..)$/.exec(options.color || color) || [];
  if (!accent) return;
  const [red, green, blue] = parts.map((part) => parseInt(part, 16));
  style("--accent", accent);
  style("--on", red * 0.3 + green * 0.59 + blue * 0.11 > 160 ? "#111" : "#fff");
}

function onKey(event) {
  if (isPage) return;
  if (event.key === "Escape") toggle(false);
  const all = [...panel.querySelectorAll("button:enabled,a[href],textarea,video,audio,[tabindex]")];
  const stops = all.filter((node) => node.getClientRects().length);
  if (event.shiftKey) stops.reverse();
  if (event.key !== "Tab" || root.activeElement !== stops.at(-1)) return;
  event.preventDefault();
  stops[0].focus();
}

function onDrag(event) {
  if (!event.dataTransfer?.types.includes("Files")) return;
  event.preventDefault();
  panel.classList.toggle("dragging", event.type === "dragover");
  if (event.type === "drop") add(event.dataTransfer.files);
}

let hiddenAt = 0;
let hiddenTimer;

// A closed chat in a hidden tab holds no connection
function onVisibility() {
  clearTimeout(hiddenTimer);
  if (document.hidden) {
    hiddenAt = performance.now();
    hiddenTimer = setTimeout(() => isOpen() || rest(), 30000);
  } else {
    if (performance.now() - hiddenAt > 30000) again();
    receipts();
  }
}

panel.onkeydown = onKey;
panel.ondragover = panel.ondragleave = panel.ondrop = onDrag;
log.onscroll = () => {
  const isNear = log.scrollHeight - log.scrollTop - log.clientHeight < 60;
  isAtEnd = isNear || (isAtEnd && log.scrollTop >= scrolledTo); // what grows below has not been left
  scrolledTo = log.scrollTop;
  jump.hidden = isAtEnd;
};
new ResizeObserver(stay).observe(log);
input.oninput = () => {
  fit();
  save("draft", input.value);
  if (input.value) typed();
};
input.onkeydown = (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  if (!sendButton.disabled) submit();
};
input.onpaste = (event) => {
  const { files } = event.clipboardData;
  if (files.length) event.preventDefault();
  add(files);
};
// A phone's keyboard covers the page
visualViewport.onresize = () => {
  style("--height", `${visualViewport.height}px`);
  style("--top", `${visualViewport.offsetTop}px`);
};
document.addEventListener("visibilitychange", onVisibility);
addEventListener("online", again);
addEventListener("offline", () => host.dataset.state && setState("offline"));
addEventListener("storage", showUnread);

const sheet = new CSSStyleSheet(); // policies may forbid <style>
sheet.replaceSync(`
:host {
  all: initial; --accent: #2f5bea; --on: #fff; --bg: #fff; --soft: #f2f4f7; --text: #15181e; --muted: #667085; --line: #e4e7ec; --red: #c4320a;
  --tint: color-mix(in srgb, var(--accent) 80%, var(--text)); --shadow: 0 0 0 1px var(--line), 0 12px 48px -8px rgb(0 0 0 / .3);
  position: fixed; right: 20px; bottom: 20px; z-index: 9999999; font: 15px/1.45 system-ui, sans-serif; color: var(--text); color-scheme: light;
}
:host([data-theme=dark]) {
  --bg: #15171c; --soft: #252932; --text: #eef0f3; --muted: #98a1b0; --line: #2c313b; --red: #ff8a66;
  --tint: color-mix(in srgb, var(--accent) 45%, #fff); color-scheme: dark;
}
* { box-sizing: border-box; margin: 0; }
[hidden] { display: none !important; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
a { color: inherit; }
b { font-weight: 600; }
button { all: unset; box-sizing: border-box; cursor: pointer; }
svg { width: 22px; aspect-ratio: 1; flex: none; fill: none; stroke: currentColor; stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round; }
button.chat, button.down, header button, .row button, .tray button, .face, .logo {
  display: grid; place-content: center; width: 38px; height: 38px; flex: none; border-radius: 50%; font-weight: 600;
}
button.chat, header, .in .bubble, button.send { background: var(--accent); color: var(--on); }
button.chat { width: 60px; height: 60px; box-shadow: var(--shadow); }
.chat svg { width: 30px; }
:host([data-open=true]) svg.chat, :host(:not([data-open=true])) .chat .down { display: none; }
.badge { position: absolute; top: -2px; right: -2px; min-width: 22px; border-radius: 18px; text-align: center; font-size: 12px; line-height: 22px; background: var(--red); color: var(--bg); }
.panel {
  position: absolute; right: 0; bottom: 76px; width: 400px; height: min(680px, 100vh - 116px); border-radius: 18px; display: flex; flex-direction: column;
  overflow: hidden; background: var(--bg); box-shadow: var(--shadow); transition: opacity .2s, transform .2s;
}
:host(:not([data-open=true])) .panel { visibility: hidden; opacity: 0; transform: translateY(12px); transition: .2s, visibility 0s .2s; }
header { display: flex; align-items: center; gap: 12px; padding: 16px; }
header :nth-child(2) { flex: 1; }
header button:hover, .logo { background: rgb(255 255 255 / .2); }
h2 { font-size: 16px; line-height: 1.3; }
p, .banner, .tray { font-size: 13px; }
.banner { padding: 8px 16px; background: var(--soft); color: var(--muted); }
.meta button { color: var(--red); }
.log { position: relative; flex: 1; overflow: hidden auto; overscroll-behavior: contain; padding: 8px 16px; display: flex; flex-direction: column; outline-offset: -2px; }
.log > :first-child { margin-top: auto; }
.who, .meta, [data-day]::before { font-size: 12px; color: var(--muted); }
[data-day] { padding-top: 36px; }
[data-day]::before { content: attr(data-day); position: absolute; inset-inline: 0; align-self: start; margin-top: -28px; text-align: center; }
.message { display: flex; gap: 8px; align-items: flex-end; max-width: 86%; margin-top: 2px; animation: in .2s; }
.first, .typing { margin-top: 12px; }
.typing { margin-left: 36px; }
.in { align-self: flex-end; }
.face { width: 28px; height: 28px; visibility: hidden; margin-bottom: 20px; font-size: 11px; grid-auto-flow: column; background: var(--soft); color: var(--tint); }
.end .face { visibility: visible; }
.body { display: flex; flex-direction: column; gap: 3px; align-items: flex-start; min-width: 0; }
.in .body { align-items: flex-end; }
.message:not(.agent.first) .who { position: absolute; clip-path: inset(50%); }
.bubble { padding: 8px 14px; border-radius: 18px; background: var(--soft); overflow-wrap: anywhere; white-space: pre-wrap; }
.end:not(.in) .bubble { border-bottom-left-radius: 6px; }
.end.in .bubble { border-bottom-right-radius: 6px; }
.waiting { opacity: .7; }
.meta { display: none; gap: 4px; align-items: center; height: 18px; padding: 0 4px; }
.end .meta { display: flex; }
.meta svg { width: 16px; }
.meta .read { color: var(--tint); }
progress { width: 120px; accent-color: var(--accent); }
.image, .video { display: block; width: 260px; max-width: 100%; max-height: 320px; border-radius: 18px; overflow: hidden; }
img { display: block; width: 100%; object-fit: cover; background: var(--soft); }
.sticker { width: 128px; }
.audio { width: 256px; height: 44px; }
.chip { display: flex; gap: 8px; align-items: center; text-decoration: none; }
.chip b, .card b, small { display: block; line-height: 1.3; }
small { font-size: 13px; opacity: .75; }
.choices { display: grid; gap: 6px; width: 100%; }
.choices > *, .replies > * {
  padding: 8px 16px; border: 1px solid var(--line); border-radius: 18px; text-align: center; text-decoration: none;
  font-weight: 600; font-size: 14px; background: var(--bg); color: var(--tint);
}
.choices > :hover, .replies > :hover, .row button:not(.send):hover { background: var(--soft); }
.cards { display: flex; gap: 8px; width: 100%; overflow-x: auto; }
.card { display: flex; flex-direction: column; flex: none; width: 220px; border: 1px solid var(--line); border-radius: 18px; overflow: hidden; }
.card > :first-child { flex: 1; padding-bottom: 12px; text-decoration: none; }
.card img { aspect-ratio: 1.9; }
.card :is(b, small) { padding: 8px 16px 0; }
.card .choices { gap: 0; }
.card .choices > * { border-width: 1px 0 0; border-radius: 0; }
.typing i { display: block; color: var(--muted); animation: dot 1.2s steps(4) infinite; }
button.down { align-self: center; margin: -46px 0 8px; z-index: 1; background: var(--bg); box-shadow: var(--shadow); }
.replies, .tray { display: flex; flex-wrap: wrap; gap: 6px; }
.replies { justify-content: flex-end; padding: 4px 16px 0; }
footer { padding: 8px 12px max(12px, env(safe-area-inset-bottom)); }
.row { display: flex; align-items: flex-end; padding: 4px; border: 1px solid var(--line); border-radius: 24px; }
.row:focus-within { border-color: var(--accent); }
.row button:not(.send) { color: var(--muted); }
.send:disabled { opacity: .35; }
::placeholder { color: var(--muted); white-space: nowrap; }
textarea { flex: 1; min-width: 0; padding: 8px 6px; border: 0; outline: 0 !important; resize: none; background: none; color: inherit; font: inherit; line-height: 22px; }
.tray > * { display: flex; align-items: center; gap: 6px; margin-bottom: 8px; padding-left: 12px; border-radius: 18px; background: var(--soft); }
.tray span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; max-width: 180px; }
.tray svg { width: 16px; }
.dragging { outline: 3px dashed var(--accent); outline-offset: -8px; }
:host([data-mode=page]) .panel { position: fixed; inset: 0; width: auto; height: auto; border-radius: 0; }
:host([data-mode=page]) .panel > :not(.down) { padding-inline: max(16px, 50% - 360px); }
:host([data-mode=page]) .chat { display: none; }
@media (max-width: 480px), (max-height: 420px) {
  .panel { position: fixed; inset: var(--top, 0) 0 auto; width: auto; height: var(--height, 100dvh); border-radius: 0; }
  :host([data-open=true]) .chat { display: none; }
  textarea { font-size: 16px; }
}
@keyframes in { from { opacity: 0; transform: translateY(6px); } }
@keyframes dot { from { clip-path: inset(0 100% 0 0); } to { clip-path: inset(0 -33% 0 0); } }
@media (prefers-reduced-motion: reduce) { * { animation: none !important; transition: none !important; } }
`);
root.adoptedStyleSheets = [sheet];
root.append(panel, launcher);

const dark = matchMedia("(prefers-color-scheme: dark)");
(dark.onchange = () => (host.dataset.theme = options.theme || (dark.matches ? "dark" : "light")))();
host.dataset.mode = options.mode || "widget";
input.value = load("draft", "");
dress({});
document.body.append(host);
if (isPage || "open" in options) toggle(true);
else if (load("token")) start();

window.Relevo = { open: () => toggle(true), close: () => toggle(false) };
