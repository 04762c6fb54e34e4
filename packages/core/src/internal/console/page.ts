/** The console's page: one document that needs nothing from anywhere else. */
import { script } from "./script.ts"
import { style } from "./style.ts"

/** What the page must know before it asks for anything. */
interface PageConfig {
  readonly path: string
  readonly pools: ReadonlyArray<string>
  readonly steering: boolean
}

/** JSON that cannot end the element it stands in. */
const embedded = (value: unknown): string => JSON.stringify(value).replaceAll("<", "\\u003c")

const steering = `
<section><h2>Steering</h2><div class="steer">
<button data-action="refresh" title="Idle sessions are replaced now, busy ones as they come back">Refresh</button>
<button data-action="suspend" title="Requests wait until it is resumed">Suspend</button>
<button data-action="resume">Resume</button>
<button data-action="drain" title="Closes the pool once its leases have ended; it does not open again">Drain</button>
<label>min <input id="min" inputmode="numeric"></label> <label>max <input id="max" inputmode="numeric"></label>
<button data-action="size">Change sizes</button>
<span id="said" class="soft" role="status"></span></div></section>`

const table = (title: string, id: string, columns: ReadonlyArray<string>, className = ""): string => `
<section class="${className}"><h2>${title}</h2><div class="scroll"><table><thead><tr>${
  columns.map((column) => `<th>${column}</th>`).join("")
}</tr></thead><tbody id="${id}"></tbody></table></div></section>`

/** The document; `nonce` is what its style and its program are known by. */
export const page = (config: PageConfig, nonce: string): string =>
  `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Session pools</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<style nonce="${nonce}">${style}</style></head><body>
<header><h1>Session pools</h1><nav id="pools" aria-label="Pools"></nav><span id="health" class="soft"></span>
<span id="state" class="soft" role="status">connecting</span></header>
<main>
<section><div class="numbers" id="numbers"></div></section>
<section><h2>Sessions, the last 30 seconds</h2><canvas id="lanes" aria-label="One lane for each session"></canvas><div class="axis"><span>30 s ago</span><span>20 s</span><span>10 s</span><span>now</span></div><div class="key" id="key"></div></section>
${config.steering ? steering : ""}
${table("Longest leases", "leases", ["session", "held", "taken by", "runs", "tag"])}
<div id="where" hidden>${
    table("Instances of the database", "instances", ["instance", "open", "busy", "idle", "opened in all", ""])
  }</div>
${table("States asked for", "tags", ["tag", "lent", "had it already"], "half")}
${table("Events", "events", ["when", "", ""], "half")}
${table("All sessions", "sessions", ["session", "is", "for", "age", "identity", "tag", "instance", "at the server"])}
</main>
<script type="application/json" id="config" nonce="${nonce}">${embedded(config)}</script>
<script nonce="${nonce}">${script}</script>
</body></html>`

/** What a browser lets the page do: its own style and program, its own server, and nothing else. */
export const policy = (nonce: string): string =>
  `default-src 'none'; style-src 'nonce-${nonce}'; script-src 'nonce-${nonce}'; connect-src 'self'; img-src data:; ` +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
