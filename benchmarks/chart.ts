/** Draws a plot as SVG. The same results always give the same text. */
import * as echarts from "echarts"
import { isAgain, select } from "./compare.ts"
import type { Panel, Plot } from "./plots.ts"
import type { Results } from "./results.ts"
import { type Figure, median } from "./row.ts"
import { quantity } from "./table.ts"

const panelWidth = 600
const panelHeight = 300
const columns = 2
const titleHeight = 40

/** A candidate has the same color wherever it is drawn. */
const colors: ReadonlyArray<readonly [start: string, color: string]> = [
  ["sessionpool acquire", "#6baed6"],
  ["sessionpool, ", "#6baed6"],
  ["sessionpool use, waitTimeout", "#2171b5"],
  ["sessionpool", "#08519c"],
  ["Effect Pool.get", "#fdae6b"],
  ["Effect Pool, ", "#fdae6b"],
  ["Effect", "#e6550d"],
  ["generic-pool", "#238b45"],
  ["tarn", "#c51b8a"],
  ["lightning-pool", "#b8860b"],
  ["node-oracledb pool, acquireRelease", "#9e9ac8"],
  ["node-oracledb pool, async/await", "#c51b8a"],
  ["node-oracledb", "#6a51a3"]
]

const colorOf = (candidate: string): string => colors.find(([start]) => candidate.startsWith(start))?.[1] ?? "#969696"

/** Variants of a candidate have its color, and other lines. */
const dashOf = (candidate: string): "solid" | "dashed" | "dotted" =>
  candidate.endsWith(" in fibers") || candidate.startsWith("floor") ? "dashed" : "solid"

interface Place {
  readonly left: number
  readonly top: number
  readonly index: number
}

const shown = (
  results: ReadonlyMap<string, Results>,
  { group, metric, only, row }: Panel
): ReadonlyArray<Figure> =>
  select(results.get(row)?.figures ?? [], { group, metric }).filter(({ candidate }) =>
    !isAgain(candidate) && (only === undefined || only.includes(candidate))
  )

const text = { color: "#222", fontFamily: "sans-serif" }
const faint = { lineStyle: { color: "#e5e5e5" } }

const axisLabels = (unit: Figure["unit"]) => ({
  ...text,
  formatter: (value: number) => quantity(value, unit)
})

type Option = echarts.EChartsOption
type Of<K extends keyof Option> = Extract<NonNullable<Option[K]>, ReadonlyArray<unknown>>[number]

interface Drawn {
  readonly grid: Of<"grid">
  readonly xAxis: Of<"xAxis">
  readonly yAxis: Of<"yAxis">
  readonly series: ReadonlyArray<echarts.SeriesOption>
}

const bars = (panel: Panel, figures: ReadonlyArray<Figure>, { index, left, top }: Place): Drawn => {
  const unit = figures[0]?.unit ?? "count"
  const longest = Math.max(...figures.map(({ candidate }) => candidate.length))
  return {
    grid: {
      left: left + 20 + longest * 6,
      top: top + 40,
      width: panelWidth - 100 - longest * 6,
      height: panelHeight - 80
    },
    xAxis: { type: panel.isLogarithmic === true ? "log" : "value", gridIndex: index, show: false },
    yAxis: {
      type: "category",
      gridIndex: index,
      inverse: true,
      data: figures.map(({ candidate }) => candidate),
      axisLabel: { ...text, fontSize: 11, interval: 0 },
      axisTick: { show: false },
      axisLine: { lineStyle: { color: "#888" } }
    },
    series: [{
      type: "bar",
      silent: true,
      xAxisIndex: index,
      yAxisIndex: index,
      barMaxWidth: 22,
      data: figures.map(({ candidate, values }) => ({
        value: median(values),
        itemStyle: { color: colorOf(candidate) },
        label: { show: true, position: "right", ...text, fontSize: 11, formatter: quantity(median(values), unit) }
      }))
    }]
  }
}

const lines = (panel: Panel, figures: ReadonlyArray<Figure>, { index, left, top }: Place): Drawn => {
  const unit = figures[0]?.unit ?? "count"
  const candidates = [...new Set(figures.map(({ candidate }) => candidate))]
  return {
    grid: {
      left: left + 75,
      top: top + 40,
      width: panelWidth - 95 - Math.max(...candidates.map(({ length }) => length)) * 5.6,
      height: panelHeight - 90
    },
    xAxis: {
      type: "log",
      gridIndex: index,
      name: panel.across ?? "",
      nameLocation: "middle",
      nameGap: 24,
      nameTextStyle: text,
      axisLabel: { ...text, formatter: (value: number) => value.toLocaleString("en-US") },
      splitLine: faint
    },
    yAxis: {
      type: panel.isLogarithmic === true ? "log" : "value",
      gridIndex: index,
      axisLabel: axisLabels(unit),
      splitLine: faint
    },
    series: candidates.map((candidate) => ({
      type: "line",
      silent: true,
      name: candidate,
      xAxisIndex: index,
      yAxisIndex: index,
      symbol: "circle",
      symbolSize: 6,
      itemStyle: { color: colorOf(candidate) },
      lineStyle: { color: colorOf(candidate), type: dashOf(candidate), width: 2 },
      endLabel: { show: true, formatter: candidate, color: colorOf(candidate), fontSize: 11, distance: 6 },
      labelLayout: { moveOverlap: "shiftY" },
      data: figures.filter((figure) => figure.candidate === candidate && figure.size !== undefined)
        .map(({ size = 0, values }) => [size, median(values)])
    }))
  }
}

/** Without what only a pointer in a page needs, and without the numbers that charts of one process are counted by. */
const still = (svg: string): string =>
  svg.replaceAll(/ ecmeta_\w+="[^"]*"/g, "")
    .replaceAll(/ class="zr\d+-cls-\d+"/g, "")
    .replaceAll(/<style[^]*?<\/style>\n?/g, "")
    .replaceAll(/zr\d+-/g, "zr-")

/** The plot as SVG; `undefined` while there are no results for it. */
export const draw = ({ panels, title }: Plot, results: ReadonlyMap<string, Results>): string | undefined => {
  const all = panels.map((panel) => ({ panel, figures: shown(results, panel) })).filter(({ figures }) =>
    figures.length > 0
  )
  if (all.length === 0) return undefined
  const width = Math.min(all.length, columns) * panelWidth
  const rows = Math.ceil(all.length / columns)
  const place = (index: number): Place => ({
    index,
    left: (index % columns) * panelWidth,
    top: titleHeight + Math.floor(index / columns) * panelHeight
  })
  const drawn = all.map(({ figures, panel }, index) =>
    (panel.kind === "bars" ? bars : lines)(panel, figures, place(index))
  )
  const height = titleHeight + rows * panelHeight
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width, height })
  chart.setOption({
    animation: false,
    backgroundColor: "#fff",
    textStyle: text,
    title: [
      { text: title, left: "center", top: 10, textStyle: { ...text, fontSize: 15 } },
      ...all.map(({ panel }, index) => ({
        text: panel.title,
        left: place(index).left + panelWidth / 2,
        top: place(index).top + 8,
        textAlign: "center" as const,
        textStyle: { ...text, fontSize: 12, fontWeight: "normal" as const }
      }))
    ],
    grid: drawn.map(({ grid }) => grid),
    xAxis: drawn.map(({ xAxis }) => xAxis),
    yAxis: drawn.map(({ yAxis }) => yAxis),
    series: drawn.flatMap(({ series }) => series)
  })
  const svg = chart.renderToSVGString()
  chart.dispose()
  return `${still(svg)}\n`
}
