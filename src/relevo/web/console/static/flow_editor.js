// What the editor of a flow does while somebody types: it is checked, and what may stand here is suggested.
// The server says what is wrong; the published schema says what there is.

const PAUSE = 600; // milliseconds without a key before the text is checked

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
    const { begun, before } = here(text);
    const rest = offered[at].name.slice(begun.length) + (offered[at].isKey ? ": " : "");
    text.setRangeText(rest, before.length, before.length, "end");
    close();
    text.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const offer = async (wanted) => {
    schema ??= await fetch(editor.dataset.schema).then((answer) => (answer.ok ? answer.json() : null)).catch(() => null);
    const place = here(text);
    if (!schema || !place.isName || (!wanted && !place.begun)) return close();
    offered = namesAt(schema, place.path, place.inList).filter((one) => one.name.startsWith(place.begun) && one.name !== place.begun);
    if (!offered.length) return close();
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

// Where the cursor is: the keys around it, by how far each is indented

const ENTRY = /^(\s*)((?:- )*)([\w ]*)$/; // nothing but a name that has begun
const KEY = /^(\s*)((?:- )*)"?([\w .-]+?)"?:/;

function here(text) {
  const before = text.value.slice(0, text.selectionStart);
  const lines = before.split("\n");
  const current = lines.at(-1);
  const match = ENTRY.exec(current);
  const rest = text.value.slice(text.selectionStart).split("\n", 1)[0];
  if (!match || rest.trim()) return { isName: false, before, begun: "" };
  const indent = match[1].length + match[2].length;
  const inList = match[2].length > 0;
  const path = keysAround(lines.slice(0, -1), inList ? match[1].length : indent, inList);
  return { isName: true, before, begun: match[3], path, inList, line: lines.length - 1, column: current.length };
}

function keysAround(lines, indent, inList) {
  const path = [];
  let bound = inList ? indent + 1 : indent; // a list may stand as far left as the key that holds it
  for (const line of lines.reverse()) {
    const match = KEY.exec(line);
    if (!match) continue;
    const [, space, dashes, name] = match;
    const depth = space.length + dashes.length;
    if (depth >= bound) continue;
    path.unshift(name);
    bound = dashes ? Math.max(space.length, 1) : depth;
    if (dashes) path.unshift("-");
    if (bound === 0 || depth === 0) break;
  }
  return path;
}

// What the schema knows there

function namesAt(schema, path, inList) {
  let found = [schema];
  for (const part of path) found = found.flatMap((one) => inside(schema, one, part));
  if (inList) found = found.flatMap((one) => inside(schema, one, "-"));
  const names = new Map();
  for (const one of found.flatMap((part) => forms(schema, part))) {
    if (typeof one.const === "string" && inList) names.set(one.const, { name: one.const, about: one.description ?? "", isKey: false });
    for (const [name, value] of Object.entries(one.properties ?? {})) {
      names.set(name, { name, about: value.description ?? "", isKey: true });
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

function forms(schema, one) {
  if (one.$ref) return forms(schema, schema.$defs[one.$ref.split("/").at(-1)]);
  const more = [...(one.anyOf ?? []), ...(one.oneOf ?? []), ...(one.allOf ?? [])];
  return [one, ...more.flatMap((other) => forms(schema, other))];
}
