/** Draws lines as SVG, each labeled at its end. The same points always give the same text. It knows nothing of what they mean. */

interface Axis {
  readonly label: string
  readonly isLog: boolean
  readonly format: (value: number) => string
}

interface Line {
  readonly name: string
  readonly points: ReadonlyArray<readonly [x: number, y: number]>
  readonly isDashed?: boolean
}

interface LinePlot {
  readonly title: string
  readonly subtitle: string
  readonly x: Axis
  readonly y: Axis
  readonly lines: ReadonlyArray<Line>
}

const width = 900
const height = 460
const left = 84
const top = 70
const bottom = height - 56
const labelHeight = 15
/** Distinguishable by those who confuse red and green, on white. */
const colors = ["#08519c", "#e6550d", "#238b45", "#c51b8a", "#6a51a3", "#737373"]

const escape = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("\"", "&quot;")

/** Roughly, in the font of the picture. */
const widthOf = (text: string): number => text.length * 6.6

interface Scale {
  readonly at: (value: number) => number
  readonly ticks: ReadonlyArray<number>
  /** Whether there are values below the lowest tick, which lie on it. */
  readonly hasLower: boolean
}

/** 1, 2 or 5 times a power of ten, so that about `count` of them reach `most`. */
const stepFor = (most: number, count: number): number => {
  const rough = most / count
  const power = 10 ** Math.floor(Math.log10(rough))
  return power * ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10)
}

/** For whole numbers, from the first of them to the last. */
const linear = (values: ReadonlyArray<number>, from: number, to: number): Scale => {
  const least = Math.min(...values)
  const most = Math.max(...values, least + 1)
  const step = Math.max(1, stepFor(most - least, 8))
  const first = Math.floor(least / step) * step
  const last = Math.ceil(most / step) * step
  return {
    at: (value) => from + (value - first) / (last - first) * (to - from),
    ticks: Array.from({ length: Math.round((last - first) / step) + 1 }, (_, index) => first + index * step),
    hasLower: false
  }
}

/** At most five powers of ten; what is lower, 0 too, lies on the lowest. */
const logarithmic = (values: ReadonlyArray<number>, from: number, to: number): Scale => {
  const most = Math.max(...values, 1e-9)
  const last = Math.ceil(Math.log10(most) - 1e-9)
  const lowest = Math.min(...values.filter((value) => value > 0), most)
  const first = Math.min(last - 1, Math.max(last - 5, Math.floor(Math.log10(lowest) + 1e-9)))
  return {
    at: (value) => from + (Math.max(0, Math.log10(Math.max(value, 1e-12)) - first) / (last - first)) * (to - from),
    ticks: Array.from({ length: last - first + 1 }, (_, index) => Number((10 ** (first + index)).toPrecision(3))),
    hasLower: values.some((value) => value < 10 ** first * 0.999)
  }
}

const scaleOf = (axis: Axis, values: ReadonlyArray<number>, from: number, to: number): Scale =>
  (axis.isLog ? logarithmic : linear)(values, from, to)

/** Moves labels apart that would run into each other, and keeps them inside. */
const spread = (wanted: ReadonlyArray<number>): ReadonlyArray<number> => {
  const order = wanted.map((y, index) => ({ y, index })).sort((a, b) => a.y - b.y)
  let free = top
  for (const label of order) {
    label.y = Math.max(label.y, free)
    free = label.y + labelHeight
  }
  let limit = bottom
  for (const label of order.toReversed()) {
    label.y = Math.min(label.y, limit)
    limit = label.y - labelHeight
  }
  const placed = [...wanted]
  for (const { index, y } of order) placed[index] = y
  return placed
}

const round = (value: number): string => String(Number(value.toFixed(1)))

/** The picture, as the text of an SVG file. Points that are not finite, such as an infinite wait, end a line. */
export const drawLines = ({ lines, subtitle, title, x, y }: LinePlot): string => {
  const shown = lines
    .map((line) => ({ ...line, points: line.points.filter(([, value]) => Number.isFinite(value)) }))
    .filter(({ points }) => points.length > 0)
  const right = width - 24 - Math.max(...shown.map(({ name }) => widthOf(name)), 40)
  const all = shown.flatMap(({ points }) => points)
  const xs = scaleOf(x, all.map(([value]) => value), left, right)
  const ys = scaleOf(y, all.map(([, value]) => value), bottom, top)
  const grid = [
    ...ys.ticks.map((tick, index) => {
      const at = round(ys.at(tick))
      const label = `${index === 0 && ys.hasLower ? "≤ " : ""}${y.format(tick)}`
      return `<line x1="${left}" y1="${at}" x2="${round(right)}" y2="${at}" stroke="#e5e5e5"/>` +
        `<text x="${left - 8}" y="${at}" dy="4" text-anchor="end" fill="#444">${escape(label)}</text>`
    }),
    ...xs.ticks.map((tick) => {
      const at = round(xs.at(tick))
      return `<line x1="${at}" y1="${bottom}" x2="${at}" y2="${bottom + 5}" stroke="#888"/>` +
        `<text x="${at}" y="${bottom + 20}" text-anchor="middle" fill="#444">${escape(x.format(tick))}</text>`
    })
  ]
  const ends = spread(shown.map(({ points }) => ys.at(points.at(-1)![1])))
  const drawn = shown.map(({ isDashed, name, points }, index) => {
    const color = colors[index % colors.length]!
    const places = points.map(([px, py]) => [round(xs.at(px)), round(ys.at(py))] as const)
    const path = places.map(([px, py], at) => `${at === 0 ? "M" : "L"}${px} ${py}`).join("")
    const dash = isDashed === true ? " stroke-dasharray=\"6 4\"" : ""
    const dots = places.map(([px, py]) => `<circle cx="${px}" cy="${py}" r="2.5" fill="${color}"/>`).join("")
    const [endX = "0", endY = "0"] = places.at(-1) ?? []
    const leader = Math.abs(ends[index]! - Number(endY)) > 3
      ? `<path d="M${Number(endX) + 3} ${endY}L${round(Math.max(Number(endX), right) + 8)} ${
        round(ends[index]!)
      }" stroke="${color}" fill="none" stroke-width="0.6"/>`
      : ""
    return `<path d="${path}" fill="none" stroke="${color}" stroke-width="2"${dash}/>${dots}${leader}` +
      `<text x="${round(right + 12)}" y="${round(ends[index]!)}" dy="4" fill="${color}">${escape(name)}</text>`
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>",
    `<text x="16" y="26" font-size="16" fill="#222">${escape(title)}</text>`,
    `<text x="16" y="46" fill="#555">${escape(subtitle)}</text>`,
    ...grid,
    `<line x1="${left}" y1="${bottom}" x2="${round(right)}" y2="${bottom}" stroke="#888"/>`,
    ...drawn,
    `<text x="${round((left + right) / 2)}" y="${height - 12}" text-anchor="middle" fill="#222">${
      escape(x.label)
    }</text>`,
    `<text transform="translate(18 ${round((top + bottom) / 2)}) rotate(-90)" text-anchor="middle" fill="#222">${
      escape(y.label)
    }</text>`,
    "</svg>",
    ""
  ].join("\n")
}
