/** Draws the history of a pool's sessions as a picture: a row for each session, time from left to right. */
import type { SessionHistory, Stretch } from "./sessionHistory.ts"

const width = 1200
const rowHeight = 26
const left = 70
const right = width - 20
const top = 116
const palette = ["#2563eb", "#d97706", "#059669", "#7c3aed", "#db2777"]
const untagged = "#64748b"
const idle = "#e2e8f0"
const opening = "#f43f5e"
const outage = "#fee2e2"

const escape = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("\"", "&quot;")

/** Roughly, in the font of the picture. */
const widthOf = (text: string): number => text.length * 6.8

/** The color of each tag, in the order in which they are given. */
export const colorsOf = (tags: ReadonlyArray<string>): ReadonlyMap<string, string> =>
  new Map(tags.map((tag, index) => [tag, palette[index % palette.length]!]))

/** For each column of points of a row, what the session did longest in that time. */
const columnsOf = (
  stretches: ReadonlyArray<Stretch>,
  colorOf: (stretch: Stretch) => string,
  x: (at: number) => number
): ReadonlyArray<string | undefined> => {
  const shares = Array.from({ length: right - left }, () => new Map<string, number>())
  for (const stretch of stretches) {
    const [from, to] = [x(stretch.from) - left, x(stretch.to) - left]
    const color = colorOf(stretch)
    for (let column = Math.max(0, Math.floor(from)); column <= Math.min(shares.length - 1, Math.floor(to)); column++) {
      const share = Math.max(0.01, Math.min(to, column + 1) - Math.max(from, column))
      shares[column]!.set(color, (shares[column]!.get(color) ?? 0) + share)
    }
  }
  return shares.map((share) => [...share].sort(([, a], [, b]) => b - a)[0]?.[0])
}

/** One path for all stretches of a color: a picture of thousands of leases stays small. */
const paths = (rows: ReadonlyArray<ReadonlyArray<string | undefined>>): ReadonlyArray<string> => {
  const lines = new Map<string, Array<string>>()
  for (const [row, columns] of rows.entries()) {
    const y = top + row * rowHeight + rowHeight / 2
    for (let from = 0; from < columns.length;) {
      const color = columns[from]
      let to = from + 1
      while (to < columns.length && columns[to] === color) to++
      if (color !== undefined) {
        const known = lines.get(color) ?? []
        known.push(`M${left + from} ${y}h${to - from}`)
        lines.set(color, known)
      }
      from = to
    }
  }
  return [...lines].map(([color, parts]) =>
    `<path stroke="${color}" stroke-width="${rowHeight - 8}" fill="none" d="${parts.join("")}"/>`
  )
}

/** Labels that would run into each other stand on lines of their own, and none leaves the picture. */
const placed = (labels: ReadonlyArray<{ readonly at: number; readonly text: string }>) => {
  const ends: Array<number> = []
  return labels.map(({ at, text }) => {
    const half = widthOf(text) / 2
    const middle = Math.min(Math.max(at, half + 4), width - half - 4)
    let line = 0
    while ((ends[line] ?? 0) > middle - half - 8) line++
    ends[line] = middle + half
    return { at, text, middle, y: top - 12 - line * 14 }
  })
}

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
  const colors = colorsOf(tags)
  const bottom = top + history.rows * rowHeight + 6
  const height = bottom + 30
  const x = (at: number): number => left + (at - began) / Math.max(1, ended - began) * (right - left)
  const colorOf = ({ state, tag }: Stretch): string =>
    state === "busy" ? colors.get(tag ?? "") ?? untagged : state === "opening" ? opening : idle

  let next = left
  const legend = [
    ...[...colors].map(([tag, color]) => [`busy for ${tag}`, color] as const),
    ["busy, no tag", untagged] as const,
    ["idle", idle] as const,
    ["being opened", opening] as const,
    ["database down", outage] as const
  ].map(([name, color]) => {
    const at = next
    next += widthOf(name) + 44
    return `<rect x="${at}" y="38" width="14" height="14" fill="${color}" stroke="#cbd5e1"/>` +
      `<text x="${at + 20}" y="50">${escape(name)}</text>`
  })
  const outages = history.outages.map(({ from, to }) =>
    `<rect x="${x(from).toFixed(1)}" y="${top}" width="${(x(to ?? ended) - x(from)).toFixed(1)}" height="${
      bottom - top
    }" fill="${outage}"/>`
  )
  const rows = Array.from({ length: history.rows }, (_, row) => row)
  const names = rows.map((row) =>
    `<text x="10" y="${top + row * rowHeight + 17}" fill="#64748b">session ${row + 1}</text>`
  )
  const bars = paths(
    rows.map((row) => columnsOf(history.stretches.filter((stretch) => stretch.row === row), colorOf, x))
  )
  const seconds = Array.from({ length: Math.floor((ended - began) / 1000) + 1 }, (_, second) => {
    const at = x(began + second * 1000).toFixed(1)
    const label = second % 5 === 0 ? `<text x="${at}" y="${height - 10}" text-anchor="middle">${second} s</text>` : ""
    return `<line x1="${at}" y1="${top}" x2="${at}" y2="${bottom}" stroke="#f1f5f9"/>${label}`
  })
  const incidents = placed(history.incidents.map(({ at, what }) => ({ at: x(at), text: what }))).map(
    ({ at, middle, text, y }) =>
      `<line x1="${at.toFixed(1)}" y1="${y + 3}" x2="${
        at.toFixed(1)
      }" y2="${bottom}" stroke="#dc2626" stroke-dasharray="4 3"/>`
      + `<text x="${middle.toFixed(1)}" y="${y}" fill="#dc2626" text-anchor="middle">${escape(text)}</text>`
  )
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="100%" height="100%" fill="white"/>`,
    `<text x="10" y="22" font-size="16">${escape(title)}</text>`,
    ...legend,
    ...outages,
    ...seconds,
    ...names,
    ...bars,
    ...incidents,
    "</svg>",
    ""
  ].join("\n")
}
