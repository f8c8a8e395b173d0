// What the console's pages do beyond being read. Every page works without this.

const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const one = (selector, within = document) => within.querySelector(selector);
const hasKeyboard = matchMedia("(hover: hover)"); // on a phone, Enter begins a line
const isField = (element) => element instanceof HTMLElement && element.matches("input, textarea, select");

document.documentElement.classList.add("scripted");

// Live: server-sent events, only while somebody looks at the page

function live(address, listeners, onState = () => {}) {
  let source = null;
  const open = () => {
    if (source || document.hidden) return;
    source = new EventSource(address());
    source.onopen = () => onState("");
    source.onerror = () => {
      const isOver = source.readyState === EventSource.CLOSED;
      onState(isOver ? "This page is no longer live. Reload it." : "The connection is lost. Trying again…");
    };
    source.addEventListener("signed-out", () => location.reload());
    for (const [type, listen] of Object.entries(listeners)) {
      source.addEventListener(type, (event) => listen(JSON.parse(event.data)));
    }
  };
  const close = () => {
    source?.close();
    source = null;
  };
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  addEventListener("pagehide", close);
  addEventListener("pageshow", open);
  open();
}

// Lists: fetched again when something has changed

const shownAs = new WeakMap();
for (const part of all("[data-refresh]")) shownAs.set(part, part.innerHTML);

async function refresh() {
  const answer = await fetch(location.href, { headers: { accept: "text/html" } }).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of all("[data-refresh]")) {
    const newer = one(`[data-refresh="${part.dataset.refresh}"]`, fresh);
    if (!newer || newer.innerHTML === shownAs.get(part)) continue; // opened details are left open
    shownAs.set(part, newer.innerHTML);
    replace(part, newer.innerHTML);
  }
}

function replace(part, html) {
  const focused = part.contains(document.activeElement) ? document.activeElement : null;
  const mark = focused && (focused.id ? `#${CSS.escape(focused.id)}` : focused.getAttribute("href"));
  part.innerHTML = html;
  if (!mark) return;
  const again = mark.startsWith("#") ? one(mark, part) : one(`[href="${CSS.escape(mark)}"]`, part);
  again?.focus({ preventScroll: true });
}

for (const page of all("[data-live]")) live(() => page.dataset.live, { changed: refresh });

// A conversation

for (const page of all("[data-thread]")) thread(page);

function thread(page) {
  const list = one("[data-messages]", page);
  const scroll = one("[data-scroll]", page);
  const state = one("[data-state]", page);
  let seq = Number(all("[data-seq]", list).at(-1)?.dataset.seq ?? 0);
  const toEnd = () => (scroll.scrollTop = scroll.scrollHeight);
  let isAtEnd = true; // who reads the latest goes on doing so, also when a picture takes its place
  scroll.addEventListener("scroll", () => (isAtEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 80));
  new ResizeObserver(() => isAtEnd && toEnd()).observe(list);

  const message = (news) => {
    if (news.seq <= seq) return;
    seq = news.seq;
    const holder = document.createElement("template");
    holder.innerHTML = news.html;
    list.append(holder.content);
    one(".thread-none", page)?.remove();
  };
  const status = (news) => {
    for (const number of news.seqs) {
      const shown = one(`[data-seq="${number}"] .message-status`, list);
      if (shown) Object.assign(shown, { textContent: news.label }).dataset.status = news.status;
    }
  };
  const waiting = new Map(); // parts that somebody is using: they are replaced when that is over
  const settle = () => {
    for (const [part, html] of waiting) {
      const isInUse = part.contains(document.activeElement) && (isField(document.activeElement) || one("details[open]", part));
      if (isInUse) continue;
      waiting.delete(part);
      replace(part, html);
    }
  };
  const parts = (news) => {
    for (const [name, html] of Object.entries(news)) {
      const part = one(`[data-part="${name}"]`, page);
      if (part) waiting.set(part, html);
    }
    settle();
  };
  page.addEventListener("focusout", () => setTimeout(settle));
  const say = (text) => {
    state.hidden = !text;
    state.textContent = text;
  };
  toEnd();
  live(() => `${page.dataset.thread}?after=${seq}`, { message, status, parts, reload: () => location.reload() }, say);
}

document.addEventListener("click", async (event) => {
  const link = event.target.closest?.("[data-earlier]");
  if (!link || event.metaKey || event.ctrlKey) return;
  event.preventDefault();
  const answer = await fetch(link.href).catch(() => null);
  if (!answer?.ok || answer.redirected) return location.assign(link.href);
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const list = one("[data-messages]");
  const scroll = one("[data-scroll]");
  const height = scroll.scrollHeight;
  list.prepend(...one("[data-messages]", fresh).children);
  scroll.scrollTop += scroll.scrollHeight - height;
  const next = one("[data-earlier]", fresh);
  if (next) link.href = next.getAttribute("href");
  else link.parentElement.remove();
});

for (const form of all("[data-composer]")) composer(form);

function composer(form) {
  const words = one("textarea", form);
  const button = one("button", form);
  const fresh = () => (form.elements.nonce.value = Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join(""));

  const draft = `draft ${form.action}`; // kept while the tab is open, should the session end meanwhile
  words.value ||= sessionStorage.getItem(draft) ?? "";
  words.addEventListener("input", () => sessionStorage.setItem(draft, words.value));
  one("[data-shortcuts]", form)?.addEventListener("change", ({ target }) => {
    const before = words.value.trimEnd();
    words.value = before ? `${before}\n${target.value}` : target.value;
    target.value = "";
    words.dispatchEvent(new Event("input"));
    words.focus();
  });
  words.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || !hasKeyboard.matches) return;
    event.preventDefault();
    if (words.value.trim()) form.requestSubmit();
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    const problem = await send(form);
    button.disabled = false;
    tell(form, words, problem);
    if (!problem) {
      words.value = "";
      words.dispatchEvent(new Event("input"));
      fresh();
    }
    words.focus();
  });
}

async function send(form) {
  const body = new URLSearchParams(new FormData(form));
  const headers = { accept: "application/json" };
  const answer = await fetch(form.action, { method: "POST", body, headers }).catch(() => null);
  if (answer?.redirected || answer?.status === 403) location.reload();
  if (answer?.ok) return "";
  if (answer?.status === 422) return (await answer.json()).problem;
  return "It is not sent. Your words are still here: send them again in a moment.";
}

function tell(form, words, problem) {
  let shown = one(".problem", form);
  if (!shown && problem) {
    shown = Object.assign(document.createElement("p"), { className: "problem", id: "field-text-problem" });
    shown.setAttribute("role", "alert");
    one(".composer-row", form).after(shown);
  }
  if (shown) shown.textContent = problem;
  if (shown && !problem) shown.remove();
  if (problem) words.setAttribute("aria-invalid", "true");
  else words.removeAttribute("aria-invalid");
}

// Keys: / searches, Esc leaves

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.altKey) return;
  if (event.key === "/" && !isField(document.activeElement)) {
    const search = one("[data-search]");
    if (!search) return;
    event.preventDefault();
    search.focus();
    search.select();
  } else if (event.key === "Escape") leave();
});

function leave() {
  const drop = one("details.drop[open], details.careful[open]");
  if (drop) {
    drop.open = false;
    one("summary", drop).focus();
  } else if (location.hash === "#menu" || location.hash === "#panel") {
    location.hash = "#main";
  } else if (isField(document.activeElement)) {
    document.activeElement.blur();
  } else {
    one("[data-back]")?.click();
  }
}

document.addEventListener("click", (event) => {
  for (const drop of all("details.drop[open]")) if (!drop.contains(event.target)) drop.open = false;
});

// Forms

for (const form of all("[data-filters]")) {
  form.addEventListener("change", (event) => event.target.matches("select") && form.requestSubmit());
  form.addEventListener("submit", () => {
    for (const field of all("input, select", form)) field.disabled = !field.value;
  });
}

document.addEventListener("change", (event) => {
  const form = event.target.closest?.("[data-autosubmit]");
  if (form) form.requestSubmit();
});

for (const button of all("[data-add-row]")) {
  button.addEventListener("click", (event) => {
    event.preventDefault();
    const rows = one("[data-rows]", button.form);
    const row = rows.lastElementChild.cloneNode(true);
    const number = rows.children.length + 1;
    one(".problem", row)?.remove();
    for (const label of all("label", row)) label.htmlFor = label.htmlFor.replace(/\d+$/, number);
    for (const field of all("input", row)) {
      Object.assign(field, { value: "", id: field.id.replace(/\d+$/, number) });
      for (const name of ["aria-invalid", "aria-describedby", "value"]) field.removeAttribute(name);
    }
    for (const spoken of all(".for-readers", row)) spoken.textContent = ` of header ${number}`;
    rows.append(row);
    one("input", row).focus();
  });
}

for (const field of all("[data-grows]")) {
  const grow = () => {
    field.style.height = "auto";
    field.style.height = `${field.scrollHeight + 2}px`;
  };
  field.addEventListener("input", grow);
  grow();
}

for (const summary of all("[data-focus]")) summary.focus();

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (!button) return;
  const code = button.parentElement.querySelector("code");
  getSelection().selectAllChildren(code);
  const copied = await (navigator.clipboard?.writeText(button.dataset.copy) ?? Promise.reject()).then(() => true, () => document.execCommand("copy"));
  const label = button.firstChild;
  const before = label.textContent;
  if (before === "Copied") return;
  label.textContent = copied ? "Copied" : "Selected";
  setTimeout(() => (label.textContent = before), 1500);
});

// The editor: line numbers, and the way to a mistake

for (const editor of all("[data-editor]")) {
  const text = one("textarea", editor);
  const gutter = Object.assign(document.createElement("div"), { className: "gutter" });
  gutter.setAttribute("aria-hidden", "true");
  editor.prepend(gutter);
  const number = () => {
    const lines = text.value.split("\n").length;
    gutter.textContent = Array.from({ length: lines }, (_, index) => index + 1).join("\n");
    gutter.scrollTop = text.scrollTop;
  };
  text.addEventListener("input", number);
  text.addEventListener("scroll", () => (gutter.scrollTop = text.scrollTop));
  new ResizeObserver(() => (gutter.style.height = `${text.offsetHeight}px`)).observe(text);
  number();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("[data-line]");
  const text = one("[data-editor] textarea");
  if (!link || !text) return;
  event.preventDefault();
  const lines = text.value.split("\n").slice(0, Number(link.dataset.line) - 1);
  const place = lines.reduce((sum, line) => sum + line.length + 1, 0) + Number(link.dataset.column) - 1;
  text.focus();
  text.setSelectionRange(place, place);
  const height = parseFloat(getComputedStyle(text).lineHeight);
  text.scrollTop = Math.max(0, lines.length * height - text.clientHeight / 2);
});

// Times that go on

function ago(at) {
  const seconds = Math.round((Date.now() - at) / 1000);
  const away = Math.abs(seconds);
  if (away >= 86400) return null;
  if (away < 60) return seconds >= 0 ? "just now" : "in a moment";
  const minutes = Math.floor(away / 60);
  const rest = minutes % 60;
  const length = minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h${rest ? ` ${rest} min` : ""}`;
  return seconds >= 0 ? `${length} ago` : `in ${length}`;
}

setInterval(() => {
  for (const time of all("time[data-relative]")) {
    const text = ago(Date.parse(time.dateTime));
    if (text && text !== time.textContent) time.textContent = text;
  }
}, 20_000);
