/** Draws the history of a pool's sessions as a picture: a row for each session, time from left to right. */
import type { SessionHistory, Stretch } from "./sessionHistory.ts"

const width = 1200
const rowHeight = 26
const left = 70
const top = 104
const palette = ["#2563eb", "#d97706", "#059669", "#7c3aed", "#db2777"]

const escape = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("\"", "&quot;")

/** The colour of each tag, in the order in which they are given. */
export const coloursOf = (tags: ReadonlyArray<string>): ReadonlyMap<string, string> =>
  new Map(tags.map((tag, index) => [tag, palette[index % palette.length]!]))

/** The picture, as the text of an SVG file. */
export const draw = (
  history: SessionHistory,
  options: {
    readonly title: string
    readonly began: number
    readonly ended: number
    readonly tags: ReadonlyArray<string>
  }
): string => {
  const { began, ended, tags, title } = options
  const colours = coloursOf(tags)
  const height = top + history.rows * rowHeight + 40
  const x = (at: number): number => left + (at - began) / Math.max(1, ended - began) * (width - left - 20)
  const bar = (stretch: Stretch): string => {
    const from = x(stretch.from)
    const length = Math.max(0.75, x(stretch.to) - from)
    const colour = stretch.state === "busy"
      ? colours.get(stretch.tag ?? "") ?? "#64748b"
      : stretch.state === "opening"
      ? "#f43f5e"
      : "#e2e8f0"
    const what = `session ${stretch.session}, ${stretch.state}${stretch.tag === undefined ? "" : ` (${stretch.tag})`}`
    const y = top + stretch.row * rowHeight
    return `<rect x="${from.toFixed(1)}" y="${y + 4}" width="${length.toFixed(1)}" height="${
      rowHeight - 8
    }" fill="${colour}"><title>${escape(what)}</title></rect>`
  }
  const legend = [...colours, ["idle", "#e2e8f0"] as const, ["opening", "#f43f5e"] as const].map(
    ([name, colour], index) => {
      const at = left + index * 180
      return `<rect x="${at}" y="40" width="14" height="14" fill="${colour}"/><text x="${at + 20}" y="52">${
        escape(name)
      }</text>`
    }
  )
  const rows = Array.from(
    { length: history.rows },
    (_, row) => `<text x="10" y="${top + row * rowHeight + 17}" fill="#64748b">place ${row + 1}</text>`
  )
  const seconds = Array.from({ length: Math.floor((ended - began) / 1000) + 1 }, (_, second) => {
    const at = x(began + second * 1000).toFixed(1)
    const label = second % 5 === 0 ? `<text x="${at}" y="${height - 12}" text-anchor="middle">${second} s</text>` : ""
    return `<line x1="${at}" y1="${top}" x2="${at}" y2="${height - 30}" stroke="#f1f5f9"/>${label}`
  })
  const incidents = history.incidents.map(({ at, what }, index) => {
    const line = x(at).toFixed(1)
    return `<line x1="${line}" y1="${top - 6}" x2="${line}" y2="${
      height - 30
    }" stroke="#dc2626" stroke-dasharray="4 3"/>` +
      `<text x="${line}" y="${top - 10 - index % 2 * 12}" fill="#dc2626" text-anchor="middle">${escape(what)}</text>`
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="100%" height="100%" fill="white"/>`,
    `<text x="10" y="24" font-size="16">${escape(title)}</text>`,
    ...legend,
    ...seconds,
    ...rows,
    ...history.stretches.map(bar),
    ...incidents,
    "</svg>",
    ""
  ].join("\n")
}
