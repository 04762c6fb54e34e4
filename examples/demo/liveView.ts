/** Shows a pool at work: redrawn in place on a terminal, a line now and then elsewhere. */
import type { PoolStatistics } from "@sessionpool/core"
import type { SessionHistory } from "./sessionHistory.ts"
import type { Tally } from "./tally.ts"

const ansi = (code: number) => (text: string): string => `\u001b[${code}m${text}\u001b[0m`
const tagColors = [ansi(34), ansi(33), ansi(32), ansi(35)]
const dim = ansi(2)

/** What a frame shows. */
export interface Frame {
  readonly history: SessionHistory
  readonly tally: Tally
  readonly statistics: PoolStatistics.PoolStatistics
  readonly tags: ReadonlyArray<string>
  readonly elapsedMillis: number
  readonly now: number
}

const seconds = (millis: number): string => `${(millis / 1000).toFixed(1).padStart(5)} s`

/** One line for those who are not at a terminal. */
export const line = ({ elapsedMillis, statistics, tally }: Frame): string =>
  `${seconds(elapsedMillis)}  ${String(tally.done).padStart(6)} done; sessions: ${statistics.busy} busy, ` +
  `${statistics.idle} idle, ${statistics.opening} opening; ${statistics.pending} requests wait`

/** A screenful, for a terminal. */
export const screen = (frame: Frame): ReadonlyArray<string> => {
  const { elapsedMillis, history, now, statistics, tags, tally } = frame
  const color = (tag: string | undefined) => {
    const index = tag === undefined ? -1 : tags.indexOf(tag)
    return index < 0 ? dim : tagColors[index % tagColors.length]!
  }
  const byRow = new Map(history.open.map((stretch) => [stretch.row, stretch]))
  const places = Array.from({ length: statistics.max }, (_, row) => {
    const stretch = byRow.get(row)
    if (stretch === undefined) return dim(`  ${String(row + 1).padStart(2)}  -`)
    const held = `${now - stretch.from} ms`.padStart(9)
    const text = `  ${String(row + 1).padStart(2)}  session ${String(stretch.session).padEnd(4)} ${
      stretch.state.padEnd(7)
    }${held}  ${stretch.tag ?? ""}`
    return stretch.state === "busy" ? color(stretch.tag)(text) : dim(text)
  })
  const waiting = `${"▮".repeat(Math.min(60, statistics.pending))} ${statistics.pending}`
  return [
    `${
      seconds(elapsedMillis)
    }   ${tally.done} done, ${statistics.busy} busy, ${statistics.idle} idle, ${statistics.opening} opening`,
    "",
    ...places,
    "",
    `  waiting  ${waiting}`,
    ...tags.map((tag) => color(tag)(`  ${tag.padEnd(16)} hit rate ${tally.hitRate(tag)}`)),
    "",
    ...history.incidents.slice(-4).map(({ what }) => ansi(31)(`  ${what}`))
  ]
}

/** Draws a screen over the one before. */
export const redraw = (lines: ReadonlyArray<string>, before: number): string => {
  const up = before === 0 ? "" : `\u001b[${before}A`
  const padding = Math.max(0, before - lines.length)
  const all = [...lines, ...Array.from({ length: padding }, () => "")]
  return up + all.map((text) => `\u001b[2K${text}\n`).join("")
}
