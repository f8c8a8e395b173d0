// Trying calls on the page. The token stays in this tab: in sessionStorage, and in the calls that are sent.

const TOKEN = "relevo-api-token"
const SUBSCRIBER = "relevo-api-subscriber"
const EXAMPLE_SUBSCRIBER = "f1001u34"

const byId = (id) => document.getElementById(id)
const all = (selector, within = document) => [...within.querySelectorAll(selector)]

const token = byId("token")
const subscriber = byId("subscriber")
const says = byId("who-says")

document.documentElement.classList.add("scripted")

// Who calls

function say(words, mood = "") {
  says.textContent = words
  says.className = `who-says ${mood && `is-${mood}`}`
}

function authorization() {
  return token.value.trim() ? { authorization: `Bearer ${token.value.trim()}` } : {}
}

async function ask(path) {
  const answer = await fetch(path, { headers: authorization(), cache: "no-store" })
  return { ok: answer.ok, status: answer.status, told: await answer.json() }
}

let asked = 0

async function introduce() {
  const mine = ++asked
  sessionStorage.setItem(TOKEN, token.value.trim())
  if (!token.value.trim()) return say("Kept in this tab only.")
  say("Asking…")
  try {
    const me = await ask("/api/me")
    if (mine !== asked) return
    if (!me.ok) return say(me.told.message, "bad")
    const { name, flow_name, flow_ns } = me.told.data
    say(`${name}, flow ${flow_name} (${flow_ns})`, "good")
    await suggestSubscribers(mine)
  } catch {
    if (mine === asked) say("The server does not answer.", "bad")
  }
}

async function suggestSubscribers(mine) {
  const { ok, told } = await ask("/api/subscribers?limit=20")
  if (!ok || mine !== asked) return
  byId("subscribers").replaceChildren(
    ...told.data.map(({ user_ns, name }) => new Option(name, user_ns)),
  )
  if (!subscriber.value && told.data.length) useSubscriber(told.data[0].user_ns)
}

function useSubscriber(userNs) {
  const before = sessionStorage.getItem(SUBSCRIBER) || EXAMPLE_SUBSCRIBER
  subscriber.value = userNs
  sessionStorage.setItem(SUBSCRIBER, userNs)
  for (const form of all(".try")) putSubscriber(form, before)
}

// The subscriber of the head goes wherever the example's, or the one before, still stands.
function putSubscriber(form, before = EXAMPLE_SUBSCRIBER) {
  const userNs = subscriber.value.trim()
  if (!userNs) return
  const input = form.querySelector('[data-query][name="user_ns"]')
  if (input && ["", before, EXAMPLE_SUBSCRIBER].includes(input.value)) input.value = userNs
  const body = form.querySelector("[data-body]")
  if (body) {
    for (const old of [before, EXAMPLE_SUBSCRIBER]) body.value = body.value.replaceAll(`"${old}"`, `"${userNs}"`)
  }
  show(form)
}

// Requests

function requestOf(form) {
  const { method, path } = form.closest(".operation").dataset
  const query = new URLSearchParams()
  for (const input of all("[data-query]", form)) if (input.value.trim()) query.append(input.name, input.value.trim())
  const headers = {}
  for (const input of all("[data-header]", form)) if (input.value.trim()) headers[input.name.toLowerCase()] = input.value.trim()
  const body = form.querySelector("[data-body]")?.value
  if (body !== undefined) headers["content-type"] = "application/json"
  return { method, url: path + (query.size ? `?${query}` : ""), headers, body }
}

const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`

function asCurl({ method, url, headers, body }) {
  const lines = [`curl ${method === "GET" ? "" : `-X ${method} `}${quoted(location.origin + url)}`]
  lines.push(`-H "Authorization: Bearer $RELEVO_TOKEN"`)
  for (const [name, value] of Object.entries(headers)) lines.push(`-H ${quoted(`${name}: ${value}`)}`)
  if (body !== undefined) lines.push(`-d ${quoted(compact(body))}`)
  return lines.join(" \\\n  ")
}

function compact(body) {
  try {
    return JSON.stringify(JSON.parse(body))
  } catch {
    return body
  }
}

function isJson(text) {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function show(form) {
  const request = requestOf(form)
  form.querySelector("[data-curl]").textContent = asCurl(request)
  const broken = form.querySelector("[data-broken]")
  if (broken) broken.hidden = isJson(request.body)
  fit(form.querySelector("[data-body]"))
}

function fit(area) {
  if (area) area.rows = Math.min(24, Math.max(3, area.value.split("\n").length))
}

async function send(form) {
  const button = form.querySelector("[type=submit]")
  if (button.getAttribute("aria-busy") === "true") return
  button.setAttribute("aria-busy", "true")
  const { method, url, headers, body } = requestOf(form)
  const started = performance.now()
  try {
    const answer = await fetch(url, { method, headers: { ...headers, ...authorization() }, body, cache: "no-store" })
    const text = await answer.text()
    tell(form, answer, text, Math.round(performance.now() - started))
  } catch {
    tellNoAnswer(form)
  } finally {
    button.removeAttribute("aria-busy")
  }
}

// Answers

function tell(form, answer, text, took) {
  const facts = [chip(`${answer.status} ${answer.statusText}`.trim(), answer.ok ? "ok" : "bad"), chip(`${took} ms`)]
  const left = answer.headers.get("x-ratelimit-remaining")
  if (left !== null) facts.push(chip(`${left} calls left`))
  if (answer.headers.get("idempotent-replayed")) facts.push(chip("a repetition: nothing was done"))
  tellAnswer(form, facts, indented(text), [...answer.headers].map(([name, value]) => `${name}: ${value}`).join("\n"))
}

function tellNoAnswer(form) {
  tellAnswer(form, [chip("no answer", "bad")], "The server did not answer. Is it running?", "")
}

function tellAnswer(form, facts, text, headers) {
  const box = form.querySelector("[data-answer]")
  box.hidden = false
  box.querySelector("[data-facts]").replaceChildren(...facts)
  paint(box.querySelector("[data-answer-body]"), text)
  box.querySelector("[data-answer-headers]").textContent = headers
  box.querySelector(".answer-headers").hidden = !headers
  box.scrollIntoView({ block: "nearest" })
}

function chip(words, mood = "") {
  const made = document.createElement("span")
  made.className = `chip ${mood && `chip-${mood}`}`
  made.textContent = words
  return made
}

function indented(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}

const TOKENS = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g

// Colours the parts of a JSON text. Only text nodes are made: nothing in it can become markup.
function paint(pre, text) {
  const parts = []
  let at = 0
  for (const found of text.matchAll(TOKENS)) {
    parts.push(text.slice(at, found.index))
    const [whole, quotedText, colon] = found
    const kind = quotedText === undefined ? "literal" : colon === undefined ? "text" : "key"
    parts.push(coloured(kind, quotedText ?? whole), colon ?? "")
    at = found.index + whole.length
  }
  pre.replaceChildren(...parts, text.slice(at))
}

function coloured(kind, text) {
  const made = document.createElement("span")
  made.className = `json-${kind}`
  made.textContent = text
  return made
}

async function copy(button, text) {
  const words = button.textContent
  try {
    await navigator.clipboard.writeText(text)
    button.textContent = "Copied"
  } catch {
    button.textContent = "Not allowed"
  }
  setTimeout(() => (button.textContent = words), 1500)
}

// The menu

const links = all(".menu a[data-words]")

function find(words) {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean)
  for (const link of links) link.parentElement.hidden = !wanted.every((word) => link.dataset.words.includes(word))
  for (const group of all(".menu-group")) group.hidden = !group.querySelector("li:not([hidden])")
  byId("none").hidden = links.some((link) => !link.parentElement.hidden)
}

function openMenu(open) {
  byId("menu").classList.toggle("is-open", open)
  byId("menu-button").setAttribute("aria-expanded", String(open))
}

function markCurrent(id) {
  for (const link of all(".menu a")) {
    if (link.hash === `#${id}`) link.setAttribute("aria-current", "true")
    else link.removeAttribute("aria-current")
  }
}

const inView = new IntersectionObserver(
  (entries) => {
    const seen = entries.filter((entry) => entry.isIntersecting)
    if (seen.length) markCurrent(seen[0].target.id)
  },
  { rootMargin: "-15% 0px -75% 0px" },
)

// All together

for (const form of all(".try")) {
  const body = form.querySelector("[data-body]")
  form.addEventListener("submit", (event) => {
    event.preventDefault()
    send(form)
  })
  form.addEventListener("input", () => show(form))
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault()
      send(form)
    }
  })
  form.querySelector("[data-examples]")?.addEventListener("change", (event) => {
    body.value = event.target.value
    putSubscriber(form)
    show(form)
  })
  form.querySelector("[data-make]")?.addEventListener("click", () => {
    form.querySelector("[data-header]").value = crypto.randomUUID?.() ?? String(Date.now())
    show(form)
  })
  for (const button of all("[data-copy]", form)) {
    const from = button.dataset.copy === "curl" ? "[data-curl]" : "[data-answer-body]"
    button.addEventListener("click", () => copy(button, form.querySelector(from).textContent))
  }
  show(form)
}

for (const pre of all("pre[data-json]")) paint(pre, pre.textContent)
for (const place of all("#about, .operation")) inView.observe(place)

let typing
token.addEventListener("input", () => {
  clearTimeout(typing)
  typing = setTimeout(introduce, 300)
})
subscriber.addEventListener("input", () => useSubscriber(subscriber.value.trim()))
byId("who").addEventListener("submit", (event) => {
  event.preventDefault()
  introduce()
})
byId("search").addEventListener("input", (event) => find(event.target.value))
byId("search").addEventListener("keydown", (event) => {
  const first = links.find((link) => !link.parentElement.hidden)
  if (event.key === "Enter" && first) first.click()
  if (event.key === "Escape") {
    event.target.value = ""
    find("")
  }
})
byId("menu").addEventListener("click", (event) => event.target.closest("a") && openMenu(false))
byId("menu-button").addEventListener("click", (event) => openMenu(event.target.getAttribute("aria-expanded") !== "true"))
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target.matches("input, textarea, select")) return
  event.preventDefault()
  openMenu(true)
  byId("search").focus()
})

const keptSubscriber = sessionStorage.getItem(SUBSCRIBER)
if (keptSubscriber) useSubscriber(keptSubscriber)
token.value = sessionStorage.getItem(TOKEN) ?? ""
if (token.value) introduce()
