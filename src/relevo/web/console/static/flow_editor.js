// What the editor of a flow does while somebody types: it is checked, and what may stand here is suggested.
// The server says what is wrong; the published schema says which keys, words and kinds of names may stand where;
// the names themselves are in the text, and those of the workspace in `data-names`.

const PAUSE = 600; // milliseconds without a key before the text is checked
const MOST = 50; // suggestions at a time

for (const editor of document.querySelectorAll("[data-editor][data-checks]")) {
  const text = editor.querySelector("textarea");
  checking(editor, text);
  completion(editor, text);
}

// Checking

function checking(editor, text) {
  const place = text.form.querySelector("[data-findings]");
  let timer = 0;
  let asked = 0;
  const check = async () => {
    const number = ++asked;
    const form = new URLSearchParams([...new FormData(text.form)].filter(([, value]) => typeof value === "string"));
    const answer = await fetch(editor.dataset.checks, { method: "POST", body: form }).catch(() => null);
    if (!answer?.ok || answer.redirected || number !== asked) return; // an older answer says nothing any more
    show(place, text, (await answer.json()).found);
  };
  text.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(check, PAUSE);
  });
}

function show(place, text, found) {
  const mistakes = found.filter((one) => one.kind === "mistake").length;
  text.toggleAttribute("aria-invalid", mistakes > 0);
  const title = Object.assign(document.createElement("strong"), { textContent: words(mistakes, found.length - mistakes) });
  const list = document.createElement("ul");
  list.append(...found.map(item));
  place.replaceChildren(title, ...(found.length ? [list] : []));
}

function words(mistakes, advice) {
  const one = (number, name, names) => (number === 1 ? `One ${name}` : `${number} ${names}`);
  if (mistakes) return `${one(mistakes, "mistake", "mistakes")}.`;
  return advice ? `No mistakes; ${one(advice, "piece of advice", "pieces of advice").toLowerCase()}.` : "No mistakes.";
}

function item(one) {
  const link = Object.assign(document.createElement("a"), { href: "#field-source", textContent: `Line ${one.line}, column ${one.column}` });
  Object.assign(link.dataset, { line: one.line, column: one.column });
  const entry = document.createElement("li");
  entry.append(link, `: ${one.what}; ${one.remedy}`);
  return entry;
}

// Completion

function completion(editor, text) {
  const box = Object.assign(document.createElement("ul"), { className: "suggestions", id: "suggestions", hidden: true });
  box.setAttribute("role", "listbox");
  box.setAttribute("aria-label", "Suggestions");
  editor.append(box);
  text.setAttribute("aria-controls", box.id);
  text.setAttribute("aria-autocomplete", "list");
  const told = Object.assign(document.createElement("p"), { className: "for-readers" });
  told.setAttribute("role", "status");
  editor.after(told);
  let schema = null;
  let at = -1;
  let offered = [];

  const close = () => {
    box.hidden = true;
    offered = [];
    text.removeAttribute("aria-activedescendant");
  };
  const choose = (index) => {
    at = (index + offered.length) % offered.length;
    [...box.children].forEach((one, number) => one.setAttribute("aria-selected", String(number === at)));
    box.children[at].scrollIntoView({ block: "nearest" });
    text.setAttribute("aria-activedescendant", box.children[at].id);
    told.textContent = `${offered[at].name}, ${at + 1} of ${offered.length}`;
  };
  const take = () => {
    const { begun } = here(text);
    const place = text.selectionStart;
    const { name, isKey } = offered[at];
    text.setRangeText(isKey ? `${name}: ` : written(name), place - begun.length, place, "end");
    close();
    text.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const offer = async (wanted) => {
    schema ??= await fetch(editor.dataset.schema).then((answer) => (answer.ok ? answer.json() : null)).catch(() => null);
    const place = here(text);
    if (!schema || !place || (!wanted && !place.begun)) return close();
    const others = text.value.slice(0, text.selectionStart - place.begun.length) + text.value.slice(text.selectionStart);
    const known = namesOf(others, JSON.parse(editor.dataset.names));
    offered = fitting(schema, place, known).filter((one) => one.name.startsWith(place.begun));
    if (!offered.length || offered.some((one) => one.name === place.begun)) return close();
    offered = offered.slice(0, MOST);
    box.replaceChildren(...offered.map(option));
    box.hidden = false;
    position(box, text, place.line, place.column);
    told.textContent = `${offered.length} suggestions`;
    choose(0);
  };
  text.addEventListener("input", (event) => event.isTrusted && offer(false));
  text.addEventListener("blur", () => setTimeout(close, 150));
  text.addEventListener("scroll", close);
  text.addEventListener("keydown", (event) => {
    if (event.key === " " && event.ctrlKey) return event.preventDefault(), offer(true);
    if (box.hidden) return;
    const does = { ArrowDown: () => choose(at + 1), ArrowUp: () => choose(at - 1), Enter: take, Escape: close }[event.key];
    if (!does) return;
    event.preventDefault();
    does();
  });
  box.addEventListener("mousedown", (event) => {
    const index = [...box.children].indexOf(event.target.closest("li"));
    if (index < 0) return;
    event.preventDefault();
    at = index;
    take();
  });
}

function option(one, number) {
  const entry = Object.assign(document.createElement("li"), { id: `suggestion-${number}`, textContent: one.name });
  entry.setAttribute("role", "option");
  if (one.about) entry.append(Object.assign(document.createElement("small"), { textContent: one.about }));
  return entry;
}

function position(box, text, line, column) {
  const style = getComputedStyle(text);
  const height = parseFloat(style.lineHeight);
  const left = text.offsetLeft + parseFloat(style.paddingLeft) + column * parseFloat(style.fontSize) * 0.6 - text.scrollLeft;
  const below = parseFloat(style.paddingTop) + (line + 1) * height - text.scrollTop;
  const fits = below + box.offsetHeight <= text.clientHeight;
  box.style.top = `${fits ? below : Math.max(0, below - height - box.offsetHeight)}px`;
  box.style.left = `${Math.max(8, Math.min(left, text.clientWidth - 200))}px`;
}

// Where the cursor is: the keys around it, by how far each is indented, and within braces on its own line.
// `path` has "-" for a list. `wants`: a `key`, a `value`, or an `entry`, which may become either.

const LINE = /^(\s*)((?:- )*)(?:"?([\w .-]+?)"?:\s+)?(.*)$/;
const KEY = /^(\s*)((?:- )*)"?([\w .-]+?)"?:/;
const BEGUN = /^[\p{L}\d_ .@*+-]*$/u; // nothing but a name that has begun
const NOTHING_MORE = /^\s*([,}\]].*)?$/;

function here(text) {
  const lines = text.value.slice(0, text.selectionStart).split("\n");
  const current = lines.at(-1);
  const after = text.value.slice(text.selectionStart).split("\n", 1)[0];
  const [, space, dashes, key, rest] = LINE.exec(current);
  if (!NOTHING_MORE.test(after)) return null;
  const isItem = dashes.length > 0;
  const path = keysAround(lines.slice(0, -1), isItem ? space.length : space.length + dashes.length, isItem);
  if (isItem) path.push("-");
  if (key !== undefined) path.push(key);
  const wants = key === undefined ? (isItem ? "entry" : "key") : "value";
  const place = /^[{[]/.test(rest) ? within(rest, path) : { path, begun: rest, wants };
  return place && BEGUN.test(place.begun) ? { ...place, line: lines.length - 1, column: current.length } : null;
}

// The place at the end of a text that begins with a brace: null where it is in quotes, or behind all braces.
function within(text, path) {
  const open = []; // braces: whether each is a mapping, and the key in it that has its value now
  let begun = "";
  let quote = "";
  for (const char of text) {
    const inner = open.at(-1);
    if (quote) quote = char === quote ? "" : quote;
    else if (char === '"' || char === "'") quote = char;
    else if (char === ":" && inner?.isMap && !inner.key) [inner.key, begun] = [begun.trim(), ""];
    else if (!"{[]},".includes(char)) begun += char;
    else {
      begun = "";
      if (char === "{" || char === "[") open.push({ isMap: char === "{", key: "" });
      else if (char === ",") inner && (inner.key = "");
      else open.pop();
    }
  }
  if (quote || !open.length) return null;
  const keys = open.flatMap((one) => (one.isMap ? (one.key ? [one.key] : []) : ["-"]));
  const inner = open.at(-1);
  return { path: [...path, ...keys], begun: begun.trimStart(), wants: inner.isMap ? (inner.key ? "value" : "key") : "entry" };
}

function keysAround(lines, indent, inList) {
  const path = [];
  let bound = inList ? indent + 1 : indent; // a list may stand as far left as the key that holds it
  for (const line of lines.reverse()) {
    const match = KEY.exec(line);
    if (!match) continue;
    const [, space, dashes, name] = match;
    const depth = space.length + dashes.length;
    if (depth > bound || (depth === bound && !dashes)) continue; // beside us, or within that
    if (depth < bound) path.unshift(name);
    if (dashes) path.unshift("-");
    bound = dashes ? space.length + 1 : depth;
    if (depth === 0) break;
  }
  return path;
}

// What may stand there

function fitting(schema, { path, wants }, known) {
  let found = [schema];
  for (const part of path) found = found.flatMap((one) => inside(schema, one, part));
  const names = new Map();
  const add = (name, isKey, about = "") => names.has(name) || names.set(name, { name, about, isKey });
  for (const one of found.flatMap((part) => forms(schema, part))) {
    if (wants !== "value") {
      for (const [name, value] of Object.entries(one.properties ?? {})) add(name, true, value.description);
      for (const name of known[nameOf(one.propertyNames)] ?? []) add(name, true);
    }
    if (wants !== "key") {
      for (const word of [one.const, ...(one.enum ?? [])]) if (typeof word === "string") add(word, false, one.description);
      if (one.type === "boolean") for (const word of ["true", "false"]) add(word, false);
      for (const name of known[nameOf(one)] ?? []) add(name, false);
    }
  }
  return [...names.values()];
}

function inside(schema, one, part) {
  return forms(schema, one).flatMap((form) => {
    if (part === "-") return form.items ? [form.items] : [];
    if (form.properties?.[part]) return [form.properties[part]];
    if (form.items) return inside(schema, form.items, part);
    return typeof form.additionalProperties === "object" ? [form.additionalProperties] : [];
  });
}

// A form with all that it may be. One that stands for another (`#/$defs/subflow`) is among them: it has the name.
function forms(schema, one) {
  const inner = one.$ref ? [schema.$defs[nameOf(one)]] : [...(one.anyOf ?? []), ...(one.oneOf ?? []), ...(one.allOf ?? [])];
  return [one, ...inner.flatMap((other) => forms(schema, other))];
}

const nameOf = (one) => one?.$ref?.split("/").at(-1);

// Names, by their kind: those in the text, and those of the workspace

const MENTIONS = {
  field: /\b(?:save|field): +([\p{L}\d_ -]+)/gu,
  tag: /\b(?:un)?tag: +\[?([\p{L}\d_ ,-]+)/gu,
  label: /\b(?:un)?label: +\[?([\p{L}\d_ ,-]+)/gu,
  step_name: /^ +name: +([\p{L}\d_ -]+)$/gmu,
  language: /^languages: *\[([^\]]*)\]/gm,
};

function namesOf(source, workspace) {
  const known = { subflow: keysUnder("subflows", source), field: keysUnder("variables", source) };
  for (const [kind, pattern] of Object.entries(MENTIONS)) {
    const found = [...source.matchAll(pattern)].flatMap((match) => match[1].split(","));
    known[kind] = [...(known[kind] ?? []), ...found.map((name) => name.trim())];
  }
  for (const [kind, names] of Object.entries(workspace)) known[kind] = [...(known[kind] ?? []), ...names];
  for (const kind of Object.keys(known)) known[kind] = [...new Set(known[kind])].filter(Boolean);
  return known;
}

function keysUnder(key, source) {
  const lines = source.split("\n");
  const first = lines.indexOf(`${key}:`) + 1;
  if (!first) return [];
  const rest = lines.slice(first);
  const end = rest.findIndex((line) => /^[\w"]/.test(line));
  const inner = rest.slice(0, end < 0 ? rest.length : end).map((line) => KEY.exec(line)).filter((match) => match && !match[2]);
  const least = Math.min(...inner.map((match) => match[1].length));
  return inner.filter((match) => match[1].length === least).map((match) => match[3]);
}

// A name as it may stand in YAML, whatever is in it
const written = (name) => (/^[\p{L}_][\p{L}\d_ .@+-]*$/u.test(name) && name.trim() === name ? name : JSON.stringify(name));
