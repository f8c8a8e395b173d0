// The wire as it happens, the switch that takes the desk down, and the tabs of a small screen.

const byId = (id) => document.getElementById(id);
const KEPT = 200;

function h(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) node.setAttribute(name, value);
  node.append(...children.filter((child) => child != null && child !== ""));
  return node;
}

// What is heard

const link = byId("link");
const { run } = document.body.dataset;
let known = Infinity;

const source = new EventSource("/demo/events");
source.addEventListener("open", () => tellLink("live"));
source.addEventListener("error", () => tellLink("connecting again"));
source.addEventListener("hello", ({ data }) => {
  const hello = JSON.parse(data);
  if (hello.run !== run) location.reload(); // another demo was started at this address
  if (known === Infinity) known = hello.last;
  showPlatform(hello.is_down);
});
source.addEventListener("entry", ({ data }) => add(JSON.parse(data)));

function tellLink(state) {
  link.textContent = state;
  link.dataset.state = state;
}

// Entries

const entries = byId("entries");
const scroll = byId("scroll");
const newest = byId("newest");
const waiting = new Map(); // webhook-id → what tells when it is tried again

const isAtEnd = () => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 60;

function add(entry) {
  const stays = isAtEnd();
  byId("empty").hidden = true;
  const item = h("li", { "data-id": entry.id }, SHOWN[entry.type](entry));
  const isNews = entry.id > known; // else it happened before the page was opened
  if (isNews) item.className = "new";
  item.addEventListener("animationend", () => item.classList.remove("new"), { once: true });
  entries.append(item);
  while (entries.children.length > KEPT) entries.firstChild.remove();
  if (stays) toEnd();
  else newest.hidden = false;
  if (isNews) countNews(entry);
}

function toEnd() {
  scroll.scrollTop = scroll.scrollHeight;
  newest.hidden = true;
}

newest.addEventListener("click", toEnd);
scroll.addEventListener("scroll", () => { if (isAtEnd()) newest.hidden = true; }, { passive: true });
new ResizeObserver(() => { if (newest.hidden) toEnd(); }).observe(scroll);

const SHOWN = {
  webhook(entry) {
    const isDone = entry.outcome === "done";
    const says = [excerpt(entry)];
    settle(entry.webhook_id);
    if (entry.attempt > 1) says.unshift(`attempt ${entry.attempt}`);
    const line = h("span", { class: "says" }, h("span", null, says.filter(Boolean).join(" · ")));
    if (entry.retry_at) line.append(countdown(entry));
    const id = h("span", { class: "id", title: entry.webhook_id }, shortId(entry.webhook_id));
    const what = h("span", { class: "what" }, entry.event, h("small", null, ` ${isDone && ROUTINE.has(entry.event) ? excerpt(entry) : ""} #${entry.seq} `), id);
    return row("out", "Webhook to the desk:", what, line, entry, isDone, () => [
      ["Relevo posted", `POST ${entry.url}`, entry.asked],
      [`The desk answered ${entry.status}`, "", entry.answered],
    ]);
  },
  call(entry) {
    const [path] = entry.path.split("?");
    const what = h("span", { class: "what" }, h("small", null, `${entry.method}  `), path.replace("/api/", ""));
    const line = h("span", { class: "says" }, h("span", null, spoken(entry) || entry.path));
    return row("in", "API call of the desk:", what, line, entry, entry.status < 400, () => [
      ["The desk asked", `${entry.method} ${entry.path}`, entry.asked],
      [`Relevo answered ${entry.status}`, "", entry.answered],
    ]);
  },
  switched({ is_down: isDown }) {
    const words = isDown ? "You took the desk down." : "The desk is back.";
    return h("p", { class: isDown ? "switched is-down" : "switched" }, words);
  },
};

function row(way, label, what, line, entry, isGood, halves) {
  const arrow = h("span", { class: `way ${way}`, role: "img", "aria-label": label }, way === "out" ? "→" : "←");
  const status = h("span", { class: "status" }, `${entry.status}`);
  line.append(h("span", { class: "took" }, `${took(entry)} ms`));
  const details = h("details", null, h("summary", null, arrow, what, status, line));
  details.classList.toggle("bad", !isGood);
  details.classList.toggle("routine", isGood && ROUTINE.has(entry.event));
  details.addEventListener("toggle", () => {
    if (details.open && details.children.length === 1) details.append(more(halves(), entry));
    if (details.open) details.scrollIntoView({ block: "nearest" });
  });
  return details;
}

const ROUTINE = new Set(["message.status", "typing"]);
const took = ({ took_ms: ms }) => (ms < 10 ? ms.toFixed(1) : Math.round(ms));
const shortId = (id) => `…${id.slice(-4)}`;

// One line that says what it is about

function excerpt({ asked }) {
  const body = read(asked.body) ?? {};
  const message = body.message ?? body.event?.message;
  if (message) {
    const who = message.type === "out" ? "Bot" : message.username || "Agent";
    return `${who}: ${message.content || message.msg_type}`;
  }
  const { reason, status, agent_id: agent, agent_name: name } = body.event ?? {};
  return { flow: "the flow said so", api: "the desk said so" }[reason] ?? reason ?? status ?? (agent === 0 ? "to nobody" : name && `to ${name}`) ?? "";
}

function spoken({ asked, path }) {
  const body = read(asked.body) ?? {};
  const text = body.content ?? body.data?.content?.messages?.[0]?.url;
  if (typeof text === "string") return `“${text}”`;
  const rest = Object.entries(body).filter(([name, value]) => name !== "user_ns" && typeof value !== "object");
  return rest.map(([name, value]) => `${name}: ${value}`).join(", ") || body.user_ns || new URL(path, location).searchParams.get("user_ns");
}

function read(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

// When a webhook is tried again

function countdown({ webhook_id: id, retry_at: at }) {
  const node = h("span", { class: "again" });
  waiting.set(id, { node, at });
  tick();
  return node;
}

function settle(id) {
  const before = waiting.get(id);
  if (before) before.node.textContent = "tried again";
  waiting.delete(id);
}

function tick() {
  for (const { node, at } of waiting.values()) {
    const seconds = Math.max(0, Math.ceil((at - Date.now()) / 1000));
    node.textContent = seconds ? `again in ${seconds} s` : "again now";
  }
}

setInterval(tick, 500);

// Opened: all there is

function more(halves, entry) {
  const facts = new Date(entry.at).toLocaleTimeString();
  return h("div", { class: "more" }, ...halves.flatMap(([title, line, side], at) => [
    h("h3", null, title, at ? "" : ` at ${facts}`),
    line && h("p", { class: "line" }, line),
    headers(side.headers),
    side.body && h("pre", { tabindex: 0, "aria-label": `Body: ${title}` }, ...pretty(side.body)),
  ]));
}

const QUIET = new Set(["accept", "accept-encoding", "connection", "content-length", "date", "host", "user-agent", "content-security-policy", "x-frame-options", "x-content-type-options", "referrer-policy", "cross-origin-resource-policy", "vary", "server", "cache-control"]);

function headers(all) {
  const told = Object.entries(all).filter(([name]) => !QUIET.has(name));
  return told.length ? h("dl", null, ...told.flatMap(([name, value]) => [h("dt", null, name), h("dd", null, value)])) : "";
}

const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\d[\d.eE+-]*/g;

function pretty(body) {
  const value = read(body);
  if (value === undefined) return [body];
  const text = JSON.stringify(value, null, 2);
  const pieces = [];
  let from = 0;
  for (const found of text.matchAll(TOKEN)) {
    const [token, string, colon] = found;
    pieces.push(text.slice(from, found.index));
    pieces.push(h("span", { class: string ? (colon ? "k" : "s") : "l" }, string ?? token), colon ?? "");
    from = found.index + token.length;
  }
  return [...pieces, text.slice(from)].filter(Boolean);
}

// The switch

const platform = byId("platform");
const platformWords = byId("platform-words");

function showPlatform(isDown) {
  platform.disabled = false;
  platform.setAttribute("aria-checked", String(!isDown));
  platform.closest(".break").toggleAttribute("data-down", isDown);
  byId("down").hidden = !isDown;
  platformWords.textContent = isDown
    ? "Write as Ana. Each message waits behind the one before; switch it on again."
    : "Switch it off, write as Ana, and watch: nothing is lost.";
}

platform.addEventListener("click", async () => {
  const isDown = platform.getAttribute("aria-checked") === "true";
  platform.disabled = true;
  try {
    const answer = await fetch("/demo/platform", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ is_down: isDown }),
    });
    if (!answer.ok) throw new Error(answer.status);
    showPlatform(isDown);
  } catch {
    platform.disabled = false;
    platformWords.textContent = "That did not work: the demo does not answer. Is it still running?";
  }
});

// Tabs, on a small screen

const panes = document.querySelector(".panes");
const tabs = [...document.querySelectorAll("[role=tab]")];
const small = matchMedia("(max-width: 999px)");

function choose(tab) {
  for (const one of tabs) {
    one.setAttribute("aria-selected", String(one === tab));
    one.tabIndex = one === tab ? 0 : -1;
  }
  panes.dataset.tab = tab.id.replace("tab-", "");
  tellNews(tab, 0);
  if (panes.dataset.tab === "wire") toEnd();
}

tabs.forEach((tab, at) => {
  tab.addEventListener("click", () => choose(tab));
  tab.addEventListener("keydown", ({ key }) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
    if (!step) return;
    const next = tabs[(at + step + tabs.length) % tabs.length];
    choose(next);
    next.focus();
  });
});

function tellRoles() {
  for (const tab of tabs) {
    const pane = byId(tab.getAttribute("aria-controls"));
    if (small.matches) pane.setAttribute("role", "tabpanel");
    else pane.removeAttribute("role");
  }
}
small.addEventListener("change", tellRoles);
tellRoles();

function tellNews(tab, count) {
  const badge = tab.querySelector(".news");
  if (!badge) return;
  badge.hidden = !count;
  badge.textContent = count > 99 ? "99+" : count;
  badge.dataset.count = count;
}

function countNews(entry) {
  const isMessage = entry.type === "webhook" && entry.event === "message.received" && entry.outcome === "done";
  const news = { wire: entry.type !== "switched", desk: isMessage };
  for (const tab of tabs) {
    const name = tab.id.replace("tab-", "");
    const count = Number(tab.querySelector(".news")?.dataset.count ?? 0);
    if (news[name] && panes.dataset.tab !== name) tellNews(tab, count + 1);
  }
}
