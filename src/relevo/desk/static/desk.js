// The page of the desk. It keeps what the server tells in `state` and draws from it; whatever is said by a
// customer reaches the document as text, never as markup.

const state = {
  conversations: new Map(), // user_ns → conversation
  threads: new Map(),       // user_ns → Map(line id → line), read when first opened
  unsent: new Map(),        // line id → {userNs, line}: replies that did not even reach the desk
  drafts: new Map(),        // user_ns → what was typed and not sent
  typing: new Map(),        // user_ns → until when (ms, our clock)
  agents: [],
  tab: "open",
  open: null,               // the user_ns of the conversation that is shown
  clock: 0,                 // the desk's clock minus ours, ms
};

const $ = (id) => document.getElementById(id);

// Documents ----------------------------------------------------------------------------------------------

/** An element: `make("p", {class: "x", onclick: f}, "text", child, null)`. */
function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== ""));
  return node;
}

const PATHS = {
  back: "M15 5l-7 7 7 7",
  image: "M5 4h14a2 2 0 0 1 2 2v12a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2ZM3.5 17l5-5 4 4 3-3 5 4.5M15.5 9h.01",
  send: "M12 19V5M6 11l6-6 6 6",
  chat: "M5 5h14a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2h-7l-5 4v-4H5a2 2 0 0 1-2-2V7a2 2 0 0 1 2-2ZM8 11h.01M12 11h.01M16 11h.01",
  pin: "M12 21s7-6.2 7-11.5a7 7 0 0 0-14 0C5 14.8 12 21 12 21ZM12 12a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5",
  file: "M14 3H7a2 2 0 0 0-2 2v14a2 2 0 0 0 2 2h10a2 2 0 0 0 2-2V8l-5-5Zm0 0v5h5",
  person: "M12 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM5 20a7 7 0 0 1 14 0",
  tap: "M9 12l3 3 5-6M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18",
  bag: "M6 8h12l1 12H5L6 8ZM9 8V7a3 3 0 0 1 6 0v1",
  warn: "M12 8v5M12 16.5h.01M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18",
};

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [key, value] of Object.entries({
    viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", "stroke-width": "1.9",
    "stroke-linecap": "round", "stroke-linejoin": "round", "aria-hidden": "true",
  })) svg.setAttribute(key, value);
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

function initials(name) {
  const words = name.trim().split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word));
  const letters = words.length > 1 ? [words[0], words[words.length - 1]] : words;
  return letters.map((word) => [...word][0].toUpperCase()).join("") || "?";
}

function dressAvatar(node, name, key) {
  let sum = 0;
  for (const letter of key) sum = (sum * 31 + letter.codePointAt(0)) % 997;
  node.className = node.className.replace(/\bhue-\d\b/, "").trim() + ` hue-${sum % 8}`;
  node.textContent = initials(name);
  return node;
}

const avatar = (name, key, size = "") =>
  dressAvatar(make("span", { class: `avatar ${size}`, "aria-hidden": "true" }), name, key);

/** An address that may be opened or shown; null for `javascript:` and everything else that is not the web. */
function webAddress(text) {
  try {
    const url = new URL(text);
    return ["http:", "https:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

const outside = (href, attributes, ...children) =>
  make("a", { href, target: "_blank", rel: "noopener noreferrer", ...attributes }, ...children);

/** The last part of an address, as a person would write it. */
function fileName(url) {
  const last = new URL(url).pathname.split("/").pop().slice(0, 80);
  try {
    return decodeURIComponent(last);
  } catch {
    return last; // a % that begins no code
  }
}

/** Text in which addresses can be followed. */
function linked(text) {
  return text.split(/(https?:\/\/[^\s<>"]+[^\s<>".,;:!?)\]])/).map((part, index) =>
    index % 2 && webAddress(part) ? outside(part, {}, part) : part);
}

// Words --------------------------------------------------------------------------------------------------

const CHANNELS = {
  web: "Website", apichat: "API", whatsapp: "WhatsApp", whatsapp: "WhatsApp", sms: "SMS",
  telegram: "Telegram", facebook: "Messenger", messenger: "Messenger", instagram: "Instagram",
};
const STATES = { sending: "Sending", sent: "Sent", delivered: "Delivered", read: "Read", failed: "Not sent" };
const KINDS = {
  image: "Photo", video: "Video", audio: "Voice message", file: "File", sticker: "Sticker", location: "Location",
  contacts: "Contact", order: "Order", reaction: "Reaction", unsupported: "Unsupported message",
};

const nameOf = (conversation) => conversation.name || "Visitor";
const channelOf = (conversation) => CHANNELS[conversation.channel] || conversation.channel;

const clockTime = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit" });
const shortDate = new Intl.DateTimeFormat([], { day: "numeric", month: "short" });
const longDate = new Intl.DateTimeFormat([], { weekday: "long", day: "numeric", month: "long" });
const dayOf = (at) => new Date(at).toDateString();

function daysAgo(at) {
  const midnight = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
  return Math.round((midnight(new Date()) - midnight(new Date(at))) / 86_400_000);
}

function dayName(at) {
  return { 0: "Today", 1: "Yesterday" }[daysAgo(at)] || longDate.format(at);
}

function listTime(at) {
  const days = daysAgo(at);
  if (days > 0) return days === 1 ? "Yesterday" : shortDate.format(at);
  const minutes = Math.floor((deskNow() - at) / 60_000);
  return minutes < 1 ? "now" : minutes < 60 ? `${minutes} min` : clockTime.format(at);
}

function inWords(ms) {
  const minutes = Math.ceil(ms / 60_000);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} days`;
}

function fileSize(bytes) {
  if (!bytes) return "";
  return bytes < 1_000_000 ? `${Math.max(1, Math.round(bytes / 1000))} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

function preview({ last_who, last_text }) {
  const text = KINDS[last_text] || last_text;
  const speaker = { agent: "You", bot: "Bot" }[last_who];
  return text && speaker ? `${speaker}: ${text}` : text;
}

const deskNow = () => Date.now() + state.clock;

// The desk's own server ----------------------------------------------------------------------------------

async function ask(path, body) {
  const options = body === undefined ? {} : {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body),
  };
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Error("The desk does not answer. Is it still running?");
  }
  const answer = await response.json().catch(() => null);
  if (!response.ok) throw new Error(answer?.message || `The desk answered with ${response.status}.`);
  return answer;
}

const about = (userNs, action) => `conversations/${encodeURIComponent(userNs)}${action ? `/${action}` : ""}`;

const TOLD = {
  everything(event) {
    state.clock = event.now - Date.now();
    state.conversations = new Map(event.conversations.map((each) => [each.user_ns, each]));
    state.threads.clear();
    if (!state.conversations.has(state.open)) state.open = null;
    drawAll();
    if (state.open) loadThread(state.open);
  },
  conversation({ conversation }) {
    state.conversations.set(conversation.user_ns, conversation);
    drawList();
    if (conversation.user_ns === state.open) drawHead();
    else if (!state.open) drawNoThread();
    readIfSeen();
  },
  line({ user_ns, line }) {
    if (line.who === "customer") state.typing.delete(user_ns);
    if (isFresh(line)) announce(user_ns, line);
    putLine(user_ns, line);
  },
  dropped({ user_ns }) {
    for (const map of [state.conversations, state.threads, state.drafts]) map.delete(user_ns);
    if (state.open === user_ns) close();
    drawList();
  },
  typing({ user_ns }) {
    state.typing.set(user_ns, Date.now() + 6_000);
    drawTyping();
    setTimeout(drawTyping, 6_050);
  },
};

function listen() {
  const source = new EventSource("live");
  source.onopen = () => drawLink("on", "Live");
  source.onerror = () => drawLink("off", "Reconnecting");
  source.onmessage = (message) => {
    const event = JSON.parse(message.data);
    TOLD[event.type]?.(event);
  };
}

async function loadThread(userNs) {
  const meanwhile = new Map(); // what is told while we ask is newer than the answer
  state.threads.set(userNs, meanwhile);
  try {
    const { lines } = await ask(about(userNs));
    if (state.threads.get(userNs) !== meanwhile) return;
    state.threads.set(userNs, new Map([...lines.map((line) => [line.id, line]), ...meanwhile]));
  } catch (error) {
    return complain(error, () => loadThread(userNs));
  }
  for (const { userNs: to, line } of state.unsent.values()) if (to === userNs) putLine(userNs, line);
  if (userNs === state.open) drawThread({ toEnd: true });
}

async function loadAgents() {
  try {
    state.agents = await ask("agents");
    $("notice").hidden = true;
  } catch (error) {
    $("notice").hidden = false;
    $("notice").replaceChildren(make("span", {}, error.message), again(loadAgents));
  }
  drawAssign();
}

const again = (action) => make("button", { type: "button", class: "text-button", onclick: action }, "Try again");

/** Does what the agent asked for; says what went wrong, with another try. */
async function act(userNs, action, body = {}) {
  try {
    const conversation = await ask(about(userNs, action), body);
    if (conversation) TOLD.conversation({ conversation });
  } catch (error) {
    drawHead();
    complain(error, () => act(userNs, action, body));
  }
}

function complain(error, retry) {
  const toast = make("div", { class: "toast" }, icon("warn"), make("p", {}, error.message));
  toast.append(make("button", { type: "button", class: "button", onclick: () => { toast.remove(); retry(); } }, "Try again"));
  $("toasts").replaceChildren(toast);
  setTimeout(() => toast.remove(), 12_000);
}

// Replies ------------------------------------------------------------------------------------------------

const leaving = new Map(); // user_ns → the last reply on its way: they leave one after the other

function reply(userNs, content) {
  const id = `r-${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 8)}`;
  send(userNs, {
    id, who: "agent", at: deskNow(), msg_type: content.image_url ? "image" : "text", text: content.text || "",
    payload: content.image_url ? { url: content.image_url } : {}, state: "sending", name: "", problem: "",
  }, content);
}

function send(userNs, line, content) {
  putLine(userNs, { ...line, state: "sending", problem: "" });
  const turn = (leaving.get(userNs) || Promise.resolve()).then(() => post(userNs, line, content));
  leaving.set(userNs, turn);
}

async function post(userNs, line, content) {
  try {
    const answer = await ask(about(userNs, "replies"), { id: line.id, ...content });
    state.unsent.delete(line.id);
    putLine(userNs, answer);
    if (answer.state === "failed") say(`Not sent: ${answer.problem}`);
  } catch (error) {
    const unsent = { ...line, state: "failed", problem: error.message };
    state.unsent.set(line.id, { userNs, line: unsent });
    putLine(userNs, unsent);
    say(`Not sent: ${error.message}`);
  }
}

function sendAgain(userNs, line) {
  send(userNs, line, line.payload?.url ? { image_url: line.payload.url } : { text: line.text });
}

let typedAt = 0;

function tellTyping() {
  if (!state.open || Date.now() - typedAt < 4_000) return;
  typedAt = Date.now();
  ask(about(state.open, "typing"), {}).catch(() => {});
}

function readIfSeen() {
  const conversation = state.conversations.get(state.open);
  if (conversation?.unread && document.visibilityState === "visible") ask(about(state.open, "read"), {}).catch(() => {});
}

// Drawing: the list --------------------------------------------------------------------------------------

function drawAll() {
  drawList();
  drawThread({ toEnd: true });
}

function drawLink(kind, text) {
  $("link").className = `link ${kind}`;
  $("link-text").textContent = text;
}

function drawList() {
  const all = [...state.conversations.values()].sort((a, b) => b.last_at - a.last_at);
  for (const tab of ["open", "done"]) {
    $(`count-${tab}`).textContent = all.filter((each) => each.status === tab).length;
  }
  for (const button of document.querySelectorAll("[data-tab]")) {
    button.setAttribute("aria-pressed", String(button.dataset.tab === state.tab));
  }
  const shown = all.filter((each) => each.status === state.tab);
  const focused = document.activeElement?.dataset?.userNs;
  reconcile($("conversations"), shown.map(listItem));
  if (focused) document.querySelector(`.conversation[data-user-ns="${CSS.escape(focused)}"]`)?.focus();
  drawEmptyList(shown.length === 0, all.length === 0);
  const unread = all.reduce((sum, each) => sum + each.unread, 0);
  document.title = unread ? `(${unread}) Desk` : "Desk";
}

function listItem(conversation) {
  const { user_ns, unread } = conversation;
  const isOpen = user_ns === state.open;
  const time = listTime(conversation.last_at);
  const words = preview(conversation) || "Asks for a person";
  const name = nameOf(conversation);
  return {
    key: user_ns, signature: JSON.stringify([name, unread, isOpen, time, words, markWords(conversation)]),
    make: () => make("li", {}, make("button", {
      type: "button", class: `conversation ${unread ? "unread" : ""}`, "data-user-ns": user_ns,
      "aria-current": isOpen ? "true" : null, onclick: () => open(user_ns),
    },
    avatar(name, user_ns),
    make("span", { class: "names" },
      make("span", { class: "name" }, name), make("span", { class: "preview" }, words)),
    make("span", { class: "side" }, make("span", { class: "time" }, time), mark(conversation)))),
  };
}

function markWords({ unread, control, status, agent_name }) {
  if (unread) return ["badge", String(unread)];
  if (control === "bot" && status === "open") return ["chip bot", "Bot"];
  return agent_name ? ["chip plain", agent_name] : ["", ""];
}

function mark(conversation) {
  const [kind, words] = markWords(conversation);
  if (!kind) return null;
  return make("span", { class: kind }, words, kind === "badge" ? make("span", { class: "hidden" }, " unread") : null);
}

function drawEmptyList(none, noneAtAll) {
  $("list-empty").hidden = !none;
  $("conversations").hidden = none;
  if (!none) return;
  const words = noneAtAll || state.tab === "done"
    ? { open: ["No conversations yet.", "When a customer asks for a person, the conversation appears here."],
        done: ["Nothing resolved yet.", "Conversations that you resolve move here, and the bot answers again."] }[state.tab]
    : ["All done.", "When a customer asks for a person, the conversation appears here."];
  $("list-empty").replaceChildren(emptyPicture(), emptyWords(...words));
}

const emptyPicture = () => make("span", { class: "picture" }, icon("chat"));
const emptyWords = (title, text) => make("p", {}, make("strong", {}, title), text);

// Drawing: the conversation ------------------------------------------------------------------------------

function drawThread({ toEnd = false } = {}) {
  const conversation = state.conversations.get(state.open);
  $("open-thread").hidden = !conversation;
  $("thread-empty").hidden = Boolean(conversation);
  $("desk").dataset.view = conversation ? "thread" : "list";
  drawHead();
  if (!conversation) return drawNoThread();
  drawLines(toEnd);
  drawTyping();
}

function drawNoThread() {
  const words = state.conversations.size
    ? ["No conversation chosen.", "Choose one from the list to read it and to answer."]
    : ["Ready.", `Relevo posts here what customers write while the bot is paused: ${location.origin}/uchat`];
  $("thread-empty").replaceChildren(emptyPicture(), emptyWords(...words));
}

function drawHead() {
  const conversation = state.conversations.get(state.open);
  drawAbout(conversation);
  if (!conversation) return;
  const name = nameOf(conversation);
  dressAvatar($("head-avatar"), name, conversation.user_ns);
  $("head-name").textContent = name;
  $("head-detail").textContent =
    [channelOf(conversation), conversation.phone || conversation.email].filter(Boolean).join(" · ") || conversation.user_ns;
  $("composer-text").setAttribute("aria-label", `Reply to ${name}`);
  $("composer-text").placeholder = `Reply to ${name.split(" ")[0]}…`;
  drawAssign();
  drawControl(conversation);
  drawHistory(conversation);
}

function drawControl(conversation) {
  const [kind, text] = controlWords(conversation);
  $("control").className = `control ${kind}`;
  $("control-text").textContent = text;
  $("resolve").hidden = kind !== "agent";
  $("accept").hidden = kind !== "agent" || conversation.is_accepted;
  $("pause").hidden = kind === "agent";
  $("resolve").disabled = $("pause").disabled = $("accept").disabled = false;
  $("composer-hint").textContent = kind === "agent"
    ? "Enter sends, Shift + Enter starts a new line."
    : "The bot is answering. When you reply, it pauses.";
}

function controlWords({ control, status, paused_until, is_accepted }) {
  if (control === "bot") return status === "done" ? ["done", "Resolved. The bot answers."] : ["bot", "The bot is answering."];
  if (!is_accepted) return ["agent", "The customer waits for somebody. Nobody has accepted."];
  if (paused_until === null) return ["agent", "You answer. The bot is paused."];
  const left = paused_until - deskNow();
  return ["agent", left > 0 ? `You answer. Bot paused, ${inWords(left)} left.` : "You answer. The pause is ending."];
}

function drawHistory({ user_ns, history, problem }) {
  $("history").hidden = !["loading", "failed"].includes(history);
  $("history").className = `history ${history}`;
  $("history").replaceChildren(...(history === "failed"
    ? [`Earlier messages could not be read. ${problem} `, again(() => act(user_ns, "history"))]
    : ["Reading what was said before…"]));
}

function drawAssign() {
  const conversation = state.conversations.get(state.open);
  if (!conversation) return;
  const { agent_id, agent_name } = conversation;
  const signature = JSON.stringify([agent_id, agent_name, state.agents]);
  if ($("assign").signature === signature) return; // a list that is unfolded stays so
  $("assign").signature = signature;
  const known = state.agents.some((agent) => agent.id === agent_id);
  const options = [make("option", { value: "0" }, "Unassigned")];
  if (agent_id && !known) options.push(make("option", { value: agent_id }, agent_name || `Agent ${agent_id}`));
  options.push(...state.agents.map((agent) => make("option", { value: agent.id }, agent.name || agent.email)));
  $("assign").replaceChildren(...options);
  $("assign").value = String(agent_id);
}

function drawAbout(conversation) {
  $("about").hidden = !conversation;
  $("desk").classList.toggle("with-about", Boolean(conversation));
  if (!conversation) return;
  const name = nameOf(conversation);
  const facts = [
    ["Channel", channelOf(conversation)], ["Phone", conversation.phone], ["E-mail", conversation.email],
    ["Assigned to", conversation.agent_name || "Nobody"], ["Conversation", conversation.user_ns],
  ].filter(([, value]) => value);
  const tags = conversation.tags.map((tag) => make("span", { class: "chip plain" }, tag));
  $("about").replaceChildren(
    make("div", { class: "person" }, avatar(name, conversation.user_ns, "large"), make("h3", {}, name)),
    make("dl", {}, ...facts.map(([term, value]) => make("div", {}, make("dt", {}, term), make("dd", {}, value))),
      tags.length ? make("div", {}, make("dt", {}, "Tags"), make("dd", { class: "tags" }, ...tags)) : null));
}

// Drawing: the lines -------------------------------------------------------------------------------------

function putLine(userNs, line) {
  const thread = state.threads.get(userNs);
  if (!thread) return;
  const isNew = !thread.has(line.id) && isFresh(line);
  thread.set(line.id, line);
  if (userNs !== state.open) return;
  const atEnd = isAtEnd();
  drawLines(atEnd || (isNew && line.who === "agent"));
  if (isNew && !atEnd && line.who === "customer") $("to-end").hidden = false;
  drawTyping();
}

/** Said just now, and not read from the past. */
const isFresh = (line) => deskNow() - line.at < 60_000;

const isAtEnd = () => $("scroll").scrollHeight - $("scroll").scrollTop - $("scroll").clientHeight < 80;

function scrollToEnd() {
  $("scroll").scrollTop = $("scroll").scrollHeight;
  $("to-end").hidden = true;
}

function drawLines(toEnd) {
  reconcile($("lines"), threadItems());
  if (toEnd) scrollToEnd();
}

/** Keeps what is drawn already (a film that plays goes on), and adds, moves and drops the rest. */
function reconcile(list, items) {
  const drawn = new Map([...list.children].map((node) => [node.dataset.key, node]));
  let cursor = list.firstChild;
  for (const item of items) {
    const old = drawn.get(item.key);
    drawn.delete(item.key);
    const node = old?.signature === item.signature ? old : freshNode(item);
    if (old && node !== old) {
      if (cursor === old) cursor = old.nextSibling;
      old.remove();
    }
    if (node === cursor) cursor = cursor.nextSibling;
    else list.insertBefore(node, cursor);
    item.update?.(node);
  }
  for (const node of drawn.values()) node.remove();
}

function freshNode(item) {
  const node = item.make();
  node.dataset.key = item.key;
  node.signature = item.signature;
  return node;
}

/** Of lines said at once, those without a number come last: they were made here, later. */
function byTime(a, b) {
  return a.at - b.at || (a.message_id || Infinity) - (b.message_id || Infinity) || 0;
}

function threadItems() {
  const lines = [...(state.threads.get(state.open) || new Map()).values()].sort(byTime);
  const items = [];
  lines.forEach((line, index) => {
    const before = lines[index - 1];
    if (!before || dayOf(before.at) !== dayOf(line.at)) items.push(dayItem(line.at));
    items.push(lineItem(line, !goesOn(before, line), !goesOn(line, lines[index + 1])));
  });
  return items;
}

/** Whether `next` belongs to the same breath as `line`. */
function goesOn(line, next) {
  return Boolean(line && next && line.who === next.who && line.name === next.name
    && next.at - line.at < 180_000 && dayOf(line.at) === dayOf(next.at));
}

function dayItem(at) {
  const name = dayName(at);
  return { key: `day-${dayOf(at)}`, signature: name, make: () => make("li", { class: "day" }, name) };
}

function lineItem(line, isFirst, isLast) {
  const { id, who, msg_type, text, payload, name } = line;
  const signature = JSON.stringify([who, msg_type, text, payload, name]);
  if (who === "system") return { key: id, signature, make: () => make("li", { class: "happened" }, text) };
  return {
    key: id, signature, make: () => lineNode(line),
    update: (node) => updateLine(node, line, isFirst, isLast),
  };
}

function lineNode(line) {
  const conversation = state.conversations.get(state.open);
  const isCustomer = line.who === "customer";
  const name = isCustomer ? nameOf(conversation) : line.who === "bot" ? "Bot" : line.name || "You";
  const author = { bot: "Bot", note: `Note by ${line.name || "an agent"}` }[line.who] || (isCustomer ? "" : line.name);
  return make("li", {},
    isCustomer ? avatar(name, conversation.user_ns, "small") : null,
    make("div", { class: "body" },
      make("span", { class: `author ${author ? "named" : ""}` }, author || `${name}: `),
      ...contentOf(line), make("span", { class: "meta" }), make("div", { class: "problem" })));
}

function updateLine(node, line, isFirst, isLast) {
  const marks = [isFirst && "first", isLast && "last", line.who === "agent" && line.state].filter(Boolean);
  node.className = ["line", line.who, ...marks].join(" ");
  const time = clockTime.format(line.at);
  node.querySelector(".meta").textContent = line.who === "agent" ? `${time} · ${STATES[line.state]}` : time;
  const userNs = state.open;
  node.querySelector(".problem").replaceChildren(...(line.state === "failed"
    ? [`${line.problem} `, make("button", { type: "button", class: "text-button", onclick: () => sendAgain(userNs, line) }, "Send again")]
    : []));
}

// Drawing: what can be said ------------------------------------------------------------------------------

const bubble = (...children) => make("div", { class: "bubble" }, ...children);
const bare = (...children) => make("div", { class: "bubble bare" }, ...children);

const CONTENT = {
  image: picture,
  sticker: picture,
  video: (line) => media(line, "video"),
  audio: (line) => media(line, "audio"),
  voice: (line) => media(line, "audio"),
  file: document_,
  document: document_,
  location: place,
  contacts: people,
  interactive: (line) => [bubble(make("span", { class: "label" }, icon("tap"), "Chose"), line.text || line.payload.title || "")],
  reaction,
  order: (line) => raw(line, "Order", "bag"),
  referral: (line) => raw(line, "Came from an ad", "tap"),
  feed: (line) => [bubble(make("span", { class: "label" }, "Commented"), ...linked(line.text))],
  unsupported: (line) => raw(line, "Sent something that cannot be shown here", "warn"),
};

function contentOf(line) {
  const payload = line.payload || {};
  const show = CONTENT[line.msg_type] || text;
  try {
    return [...cameFrom(payload), ...show({ ...line, payload }), ...options(payload)];
  } catch (error) { // one message of an unforeseen form must not hide the others
    console.info(error);
    return raw({ ...line, payload }, KINDS[line.msg_type] || line.msg_type, "warn");
  }
}

function text(line) {
  if (line.payload.cards?.length) return [bubble(cards(line.payload.cards))];
  if (line.text) return [bubble(...linked(line.text))];
  return raw(line, KINDS[line.msg_type] || line.msg_type, "warn");
}

function caption(line) {
  const words = line.payload.caption || line.payload.title || (line.payload.url ? "" : line.text);
  return words ? [make("div", { class: "under" }, ...linked(words))] : [];
}

function picture(line) {
  const url = webAddress(line.payload.url);
  if (!url) return raw(line, "Photo without an address", "image");
  const words = line.payload.caption || line.payload.title;
  const image = make("img", { src: url, alt: words || (line.who === "customer" ? "Photo from the customer" : "Photo"), loading: "lazy" });
  const link = outside(url, { class: `picture-link ${line.msg_type}` }, image);
  const frame = bare(link);
  image.addEventListener("error", () => {
    frame.className = "bubble";
    link.replaceWith(fileCard(url, "Photo", "It could not be shown here. Open it", "image"));
  });
  image.addEventListener("load", () => { if (isAtEnd()) scrollToEnd(); });
  return [frame, ...caption(line)];
}

function media(line, tag) {
  const url = webAddress(line.payload.url);
  if (!url) return raw(line, `${KINDS[tag]} without an address`, "warn");
  const player = make(tag, { src: url, controls: true, preload: "metadata", "aria-label": KINDS[tag] });
  const frame = bare(player);
  player.addEventListener("error", () => {
    frame.className = "bubble";
    player.replaceWith(fileCard(url, KINDS[tag], "It could not be played here. Open it", "file"));
  });
  const spoken = line.payload.transcribed_text;
  return [frame, ...(spoken ? [make("div", { class: "under quote" }, `“${spoken}”`)] : caption(line))];
}

function fileCard(url, title, detail, symbol) {
  return outside(url, { class: "card" }, make("span", { class: "icon" }, icon(symbol)),
    make("span", { class: "facts" }, make("strong", {}, title), make("small", {}, detail)));
}

function document_(line) {
  const url = webAddress(line.payload.url);
  if (!url) return raw(line, "File without an address", "file");
  const detail = [line.payload.mime_type, fileSize(line.payload.size)].filter(Boolean).join(" · ") || "Open the file";
  return [bubble(fileCard(url, line.payload.title || fileName(url) || "File", detail, "file")),
    ...(line.payload.caption ? [make("div", { class: "under" }, line.payload.caption)] : [])];
}

function place(line) {
  const { latitude, longitude, name, address } = line.payload;
  const degrees = `${Number(latitude).toFixed(5)}, ${Number(longitude).toFixed(5)}`;
  const at = `mlat=${Number(latitude)}&mlon=${Number(longitude)}#map=16/${Number(latitude)}/${Number(longitude)}`;
  const detail = address || (name ? degrees : "Open the map");
  return [bubble(fileCard(`https://www.openstreetmap.org/?${at}`, name || degrees, detail, "pin"))];
}

function people(line) {
  return (line.payload.contacts || []).map(({ name, phones = [], emails = [] }) =>
    bubble(make("div", { class: "card" }, make("span", { class: "icon" }, icon("person")),
      make("span", { class: "facts" }, make("strong", {}, name || "Contact"),
        ...[...phones, ...emails].map((each) => make("small", {}, each))))));
}

function reaction(line) {
  const about = [...(state.threads.get(state.open) || new Map()).values()].find((each) => each.mid && each.mid === line.payload.mid);
  const what = about?.text ? `to “${about.text.slice(0, 60)}”` : "to a message";
  const words = line.payload.emoji ? `reacted ${what}` : `took back the reaction ${what}`;
  return [make("div", { class: "reaction" }, make("span", { class: "emoji" }, line.payload.emoji || ""), words)];
}

function raw(line, title, symbol) {
  const card = make("div", { class: "card" }, make("span", { class: "icon" }, icon(symbol)),
    make("span", { class: "facts" }, make("strong", {}, title), line.text ? make("small", {}, line.text) : null));
  return [bubble(card, ...details(line))];
}

function details(line) {
  if (!Object.keys(line.payload).length) return [];
  return [make("details", { class: "raw" }, make("summary", {}, "What was sent"),
    make("pre", {}, JSON.stringify(line.payload, null, 2)))];
}

function cameFrom({ referral }) {
  if (!referral) return [];
  return [make("div", { class: "under quote" }, `Came from an ad${referral.headline ? `: ${referral.headline}` : ""}`)];
}

function options(payload) {
  const titles = [...(payload.buttons || []), ...(payload.quick_replies || [])].map((each) => each.title || each.caption);
  return titles.some(Boolean) ? [make("div", { class: "options" }, ...titles.filter(Boolean).map((each) => make("span", {}, each)))] : [];
}

function cards(all) {
  return make("ul", { class: "cards" }, ...all.map(({ title, subtitle, image_url }) => {
    const url = webAddress(image_url);
    return make("li", {}, url ? make("img", { src: url, alt: "" }) : null,
      make("div", {}, make("strong", {}, title || ""), subtitle ? make("small", {}, subtitle) : null));
  }));
}

function drawTyping() {
  const conversation = state.conversations.get(state.open);
  const types = Boolean(conversation) && (state.typing.get(state.open) || 0) > Date.now();
  if (types === !$("typing").hidden) return;
  const atEnd = isAtEnd();
  $("typing").hidden = !types;
  if (!types) return;
  dressAvatar($("typing-avatar"), nameOf(conversation), conversation.user_ns);
  say(`${nameOf(conversation)} is typing.`);
  if (atEnd) scrollToEnd();
}

// Saying aloud -------------------------------------------------------------------------------------------

function say(words) {
  $("announcer").textContent = words;
}

function announce(userNs, line) {
  const conversation = state.conversations.get(userNs);
  if (line.who === "system" && userNs === state.open) say(line.text);
  if (line.who === "customer" && conversation) say(`${nameOf(conversation)}: ${line.text || KINDS[line.msg_type] || ""}`);
}

// What the agent does ------------------------------------------------------------------------------------

function open(userNs) {
  keepDraft();
  state.open = userNs;
  location.replace(`#${userNs}`);
  $("composer-text").value = state.drafts.get(userNs) || "";
  showImageRow(false);
  fitComposer();
  $("lines").replaceChildren();
  $("to-end").hidden = true;
  drawList();
  drawThread();
  if (!state.threads.has(userNs)) loadThread(userNs);
  else drawThread({ toEnd: true });
  readIfSeen();
  const isNarrow = matchMedia("(max-width: 759px)").matches;
  (isNarrow ? $("head-name") : $("composer-text")).focus();
}

function close() {
  keepDraft();
  const was = state.open;
  state.open = null;
  location.replace("#");
  drawAll();
  document.querySelector(`.conversation[data-user-ns="${CSS.escape(was || "")}"]`)?.focus();
}

function keepDraft() {
  if (state.open) state.drafts.set(state.open, $("composer-text").value);
}

function fitComposer() {
  const box = $("composer-text");
  box.style.height = "auto";
  box.style.height = `${Math.min(box.scrollHeight, 180)}px`;
  $("send").disabled = !box.value.trim();
}

function sendText() {
  const text = $("composer-text").value.trim();
  if (!text || !state.open) return;
  $("composer-text").value = "";
  fitComposer();
  reply(state.open, { text });
}

function showImageRow(shown) {
  $("image-row").hidden = !shown;
  $("image-toggle").setAttribute("aria-expanded", String(shown));
  $("image-problem").textContent = "";
  if (shown) $("image-url").focus();
}

function sendImage() {
  const url = webAddress($("image-url").value.trim());
  if (!url) {
    $("image-problem").textContent = "This is not the address of an image. It looks like https://example.com/photo.jpg";
    $("image-url").focus();
    return;
  }
  $("image-url").value = "";
  showImageRow(false);
  reply(state.open, { image_url: url });
  $("composer-text").focus();
}

function changeControl(action) {
  $("resolve").disabled = $("pause").disabled = $("accept").disabled = true;
  act(state.open, action);
}

function assign() {
  const id = Number($("assign").value);
  const agent = state.agents.find((each) => each.id === id);
  act(state.open, "assign", { agent_id: id, name: agent?.name || "" });
}

function walkList(event) {
  const buttons = [...document.querySelectorAll(".conversation")];
  const at = buttons.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
  if (to === undefined || at < 0) return;
  event.preventDefault();
  buttons[Math.max(0, Math.min(to, buttons.length - 1))].focus();
}

function composerKey(event) {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    sendText();
  }
}

/** Time passes: the words about it change, and a pause that has run out is asked about. */
const askedAbout = new Map(); // user_ns → the end of the pause that was asked about

function tick() {
  drawList();
  for (const { user_ns, control, paused_until } of state.conversations.values()) {
    if (control !== "agent" || paused_until === null || paused_until > deskNow()) continue;
    if (askedAbout.get(user_ns) === paused_until) continue;
    askedAbout.set(user_ns, paused_until);
    ask(about(user_ns, "check-pause"), {}).catch(() => {});
  }
  const conversation = state.conversations.get(state.open);
  if (conversation && !$("resolve").disabled) drawControl(conversation);
}

function start() {
  $("back").append(icon("back"));
  $("image-toggle").append(icon("image"));
  $("send").append(icon("send"));
  $("back").onclick = close;
  $("pause").onclick = () => changeControl("pause");
  $("accept").onclick = () => changeControl("accept");
  $("resolve").onclick = () => changeControl("resolve");
  $("assign").onchange = assign;
  $("image-toggle").onclick = () => showImageRow($("image-row").hidden);
  $("send-image").onclick = sendImage;
  $("image-url").onkeydown = (event) => { if (event.key === "Enter") { event.preventDefault(); sendImage(); } };
  $("composer").onsubmit = (event) => { event.preventDefault(); sendText(); };
  $("composer-text").onkeydown = composerKey;
  $("composer-text").oninput = () => { fitComposer(); tellTyping(); };
  $("conversations").onkeydown = walkList;
  $("to-end").onclick = scrollToEnd;
  $("scroll").onscroll = () => { if (isAtEnd()) $("to-end").hidden = true; };
  $("open-thread").onkeydown = (event) => { if (event.key === "Escape" && matchMedia("(max-width: 759px)").matches) close(); };
  for (const tab of document.querySelectorAll("[data-tab]")) {
    tab.onclick = () => { state.tab = tab.dataset.tab; drawList(); };
  }
  document.addEventListener("visibilitychange", readIfSeen);
  addEventListener("resize", () => { if (isAtEnd()) scrollToEnd(); });
  state.open = decodeURIComponent(location.hash.slice(1)) || null;
  fitComposer();
  drawAll();
  loadAgents();
  listen();
  setInterval(tick, 10_000);
}

start();
