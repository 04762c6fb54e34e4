/**
 * The program of the console's page. It writes text nodes only, so nothing that a pool says can become markup. The lanes are a strip that
 * moves to the left: each time only what is new is painted, whatever the number of sessions and of leases.
 */
export const script = `
"use strict"
const config = JSON.parse(document.getElementById("config").textContent)
const by = (id) => document.getElementById(id)
const element = (name, text, className) => {
  const made = document.createElement(name)
  if (text !== undefined) made.textContent = text
  if (className) made.className = className
  return made
}
const duration = (millis) => millis === undefined || millis === null ? "–"
  : millis < 1 ? millis.toFixed(2) + " ms" : millis < 1000 ? millis.toFixed(0) + " ms"
  : millis < 60000 ? (millis / 1000).toFixed(1) + " s" : millis < 3600000 ? (millis / 60000).toFixed(1) + " min"
  : (millis / 3600000).toFixed(1) + " h"
const palette = ["#2563eb", "#d97706", "#059669", "#7c3aed", "#db2777", "#0891b2", "#65a30d", "#b45309"]
const colors = new Map([["", "#64748b"]])
const colorOf = (tag) => {
  if (!colors.has(tag)) {
    if (colors.size > 64) return "#64748b"
    colors.set(tag, palette[(colors.size - 1) % palette.length])
    drawKey()
  }
  return colors.get(tag)
}
const dark = matchMedia("(prefers-color-scheme: dark)")
const drawKey = () => {
  const key = by("key")
  key.replaceChildren()
  const entry = (color, text) => {
    const item = element("span")
    const box = element("i")
    box.style.background = color
    item.append(box, text)
    key.append(item)
  }
  for (const [tag, color] of colors) entry(color, tag === "" ? "busy, no tag" : "busy, " + tag)
  entry(dark.matches ? "#263344" : "#dbe4ef", "idle")
}

/* The state of each pool, as the server last said it. */
const pools = []
let shown = 0
/* How far the clock of the server is ahead of ours, and how far the picture stays behind it: news come in batches. */
let ahead = 0
const behind = 1000
const serverTime = () => Date.now() + ahead

const laneOf = (pool, session) => {
  if (!pool.lanes.has(session)) pool.lanes.set(session, { busy: undefined, tag: "", news: [] })
  return pool.lanes.get(session)
}
const take = (frame) => {
  ahead = frame.now - Date.now()
  frame.pools.forEach((news, index) => {
    const pool = pools[index] ??= { lanes: new Map() }
    pool.statistics = news.statistics
    pool.figures = news.figures
    pool.health = news.health
    for (const [at, session, kind, tag] of news.strokes) laneOf(pool, session).news.push({ at, kind, tag })
    /* Which sessions there are is said once a second; of one that nothing is known of yet, since when it is where it is. */
    if (news.sessions) {
      pool.sessions = news.sessions
      const open = new Set(news.sessions.map((session) => session.number))
      for (const [number, lane] of pool.lanes) if (!open.has(number) && lane.news.length === 0) pool.lanes.delete(number)
      for (const { number, place, placeMillis, tag } of news.sessions) {
        const lane = laneOf(pool, number)
        if (lane.busy !== undefined || lane.news.length > 0) continue
        lane.news.push({ at: frame.now - (placeMillis ?? 0), kind: place === "busy" ? "lent" : "returned", tag: tag ?? "" })
      }
    }
  })
}

/* The lanes. */
const canvas = by("lanes")
const paint = canvas.getContext("2d")
let painted, order = [], heights = 0
const windowMillis = 30000
const layout = () => {
  const pool = pools[shown]
  const numbers = [...pool.lanes.keys()].sort((a, b) => a - b)
  const width = canvas.clientWidth * devicePixelRatio | 0
  const each = Math.max(2, Math.min(16, Math.floor(560 / Math.max(1, numbers.length)))) * devicePixelRatio | 0
  const height = Math.max(each, each * numbers.length)
  if (numbers.join() === order.join() && canvas.width === width && canvas.height === height) return each
  /* What was painted is kept: a session that comes or goes moves the others, not their past. */
  const old = canvas.width && canvas.height ? new OffscreenCanvas(canvas.width, canvas.height) : undefined
  if (old) old.getContext("2d").drawImage(canvas, 0, 0)
  const before = new Map(order.map((number, at) => [number, at]))
  const oldEach = heights
  canvas.width = width
  canvas.height = height
  canvas.style.height = height / devicePixelRatio + "px"
  if (old) numbers.forEach((number, at) => {
    const from = before.get(number)
    if (from !== undefined) paint.drawImage(old, 0, from * oldEach, old.width, oldEach, width - old.width, at * each, old.width, each)
  })
  order = numbers
  heights = each
  return each
}
const tick = () => {
  requestAnimationFrame(tick)
  const pool = pools[shown]
  if (!pool || canvas.clientWidth === 0) return
  const each = layout()
  const until = serverTime() - behind
  /* What the server knows of before this page was opened is painted as well. */
  painted ??= until - windowMillis
  const perPixel = windowMillis / canvas.width
  const pixels = Math.min(canvas.width, Math.floor((until - painted) / perPixel))
  if (pixels < 1) return
  const from = Math.max(painted, until - windowMillis)
  const next = painted + pixels * perPixel
  paint.globalCompositeOperation = "copy"
  paint.drawImage(canvas, -pixels, 0)
  paint.globalCompositeOperation = "source-over"
  const left = canvas.width - pixels
  const idle = dark.matches ? "#263344" : "#dbe4ef"
  const gap = each > 5 ? 2 : each > 2 ? 1 : 0
  order.forEach((number, at) => {
    const lane = pool.lanes.get(number)
    let x = left
    const stretch = (to) => {
      if (lane.busy !== undefined && to > x) {
        paint.fillStyle = lane.busy ? colorOf(lane.tag) : idle
        paint.fillRect(x, at * each, to - x, each - gap)
      }
      x = to
    }
    let used = 0
    for (const { at: moment, kind, tag } of lane.news) {
      if (moment >= next) break
      used++
      const to = Math.max(x, left + (moment - from) / perPixel)
      /* A lease that is shorter than a pixel is still seen. */
      stretch(kind === "returned" && lane.busy ? Math.max(to, x + 1) : to)
      if (kind === "closed") lane.busy = undefined
      else if (kind === "lent") { lane.busy = true; lane.tag = tag }
      else lane.busy = false
    }
    if (used > 0) lane.news.splice(0, used)
    stretch(canvas.width)
  })
  painted = next
}

/* The rest of the page, a few times a second. */
const cells = (row, values) => {
  for (const value of values) row.append(element("td", value === undefined || value === null ? "" : String(value)))
  return row
}
const fill = (id, rows) => by(id).replaceChildren(...rows)
let sessionsSeen = false, sessionsShown
new IntersectionObserver((entries) => {
  sessionsSeen = entries[entries.length - 1].isIntersecting
}).observe(by("sessions").closest("section"))
const show = () => {
  const pool = pools[shown]
  if (!pool) return
  const s = pool.statistics
  const { waits, tags, lines } = pool.figures
  const number = (value, text, bad) => {
    const item = element("div")
    const strong = element("b", String(value))
    if (bad) strong.className = "bad"
    item.append(strong, element("span", text))
    return item
  }
  const sum = (name) => tags.reduce((all, counts) => all + counts[name], 0)
  const rate = sum("lent") === 0 ? "–" : (100 * sum("hits") / sum("lent")).toFixed(0) + " %"
  fill("numbers", [
    number(s.opened + " of " + s.max, "sessions open"), number(s.busy, "busy"), number(s.idle, "idle"),
    number(s.opening, "being opened"), number(s.pending, "requests wait", s.pending > 0),
    number(duration(waits.p50), "wait, median"), number(duration(waits.p99), "wait, 99 of 100"),
    number(rate, "had their state already"), number(s.totals.opened, "opened in all"),
    number(s.totals.openFailures, "openings failed", s.totals.openFailures > 0),
    number(s.totals.timeouts, "requests gave up", s.totals.timeouts > 0)
  ])
  by("health").textContent = pool.health ? pool.health.text : ""
  by("health").className = pool.health && !pool.health.ready ? "bad" : "soft"
  const now = serverTime()
  const sessions = pool.sessions ?? []
  const leases = sessions.filter((one) => one.place === "busy").sort((a, b) => b.placeMillis - a.placeMillis).slice(0, 20)
  fill("leases", leases.map((one) =>
    cells(element("tr"), [one.number, duration(one.placeMillis), one.holder, one.operation, one.tag])))
  /* A thousand rows are written when there is something new, and somebody can see it. */
  if (sessionsSeen && pool.sessions !== sessionsShown) {
    sessionsShown = pool.sessions
    fill("sessions", sessions.slice(0, 1000).map((one) =>
      cells(element("tr"), [one.number, one.place, duration(one.placeMillis), duration(one.ageMillis), one.identity, one.tag, one.instance, one.server])))
  }
  /* One instance is the whole database, unless it is drained. */
  by("where").hidden = s.instances.length < 2 && !s.instances.some((one) => one.isDrained)
  fill("instances", s.instances.map((one) => {
    const row = cells(element("tr"), [one.instance, one.opened, one.busy, one.idle, one.totals.opened])
    const last = element("td", one.isDrained ? (one.opened + one.closing === 0 ? "drained " : "being drained ") : "")
    if (config.steering) {
      const button = element("button", one.isDrained ? "Undo" : "Drain")
      button.onclick = () => steer(one.isDrained ? "undrainInstance" : "drainInstance", { instance: one.instance })
      last.append(button)
    }
    row.append(last)
    return row
  }))
  fill("tags", tags.slice(0, 50).map((one) =>
    cells(element("tr"), [one.tag === "" ? "no tag" : one.tag, one.lent, (100 * one.hits / one.lent).toFixed(0) + " %"])))
  fill("events", lines.slice(-60).reverse().map((one) =>
    cells(element("tr"), [duration(Math.max(0, now - one.at)) + " ago", one.session === undefined ? "" : "session " + one.session, one.text])))
  document.querySelectorAll("nav button").forEach((button, at) => button.setAttribute("aria-pressed", String(at === shown)))
}
const nav = by("pools")
config.pools.forEach((name, index) => {
  const button = element("button", name)
  button.onclick = () => {
    shown = index
    painted = undefined
    order = []
    canvas.width = 0
    show()
  }
  nav.append(button)
})
drawKey()

/* Steering: the server refuses it unless the program has allowed it. */
const say = (text, isBad) => {
  by("said").textContent = text
  by("said").className = isBad ? "bad" : "soft"
}
const steer = async (action, settings) => {
  say("…")
  try {
    const response = await fetch(config.path + "/steer", {
      method: "POST",
      headers: { "content-type": "application/json", "x-pool-console": "1" },
      body: JSON.stringify({ pool: shown, action, ...settings })
    })
    say(await response.text(), !response.ok)
  } catch (error) {
    say("The server cannot be reached.", true)
  }
}
for (const button of document.querySelectorAll("[data-action]")) button.onclick = () => {
  const action = button.dataset.action
  if (action !== "size") return steer(action, {})
  const settings = {}
  for (const name of ["min", "max"]) if (by(name).value !== "") settings[name] = Number(by(name).value)
  return steer("size", settings)
}

const listen = () => {
  const source = new EventSource(config.path + "/events")
  source.onopen = () => { by("state").textContent = "live" }
  source.onerror = () => { by("state").textContent = "the server cannot be reached; trying again" }
  source.onmessage = (message) => take(JSON.parse(message.data))
}
listen()
setInterval(show, 500)
requestAnimationFrame(tick)
`
