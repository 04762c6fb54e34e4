/** Shows what simulations came to: as tables for a terminal, and as plots. */
import { drawLines } from "./linePlot.ts"
import type { FleetPoint, WaitsPoint } from "./points.ts"

const digits = (value: number, places: number): string =>
  value.toLocaleString("en-US", { maximumFractionDigits: places })

/** Two or three digits that count. */
const short = (value: number): string => digits(value, value >= 100 ? 0 : value >= 10 ? 1 : 2)

/** A time in milliseconds, in the unit that reads best. */
export const millisText = (millis: number): string =>
  !Number.isFinite(millis)
    ? "endless"
    : millis === 0
    ? "0"
    : millis < 0.01
    ? "<0.01 ms"
    : millis < 1000
    ? `${short(millis)} ms`
    : millis < 120_000
    ? `${short(millis / 1000)} s`
    : `${short(millis / 60_000)} min`

const percent = (share: number): string => `${digits(share * 100, 1)}%`
const count = (value: number): string => value.toLocaleString("en-US")

/** Columns as wide as they must be, numbers at the right. */
const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths = head.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column]!.length)))
  return [head, ...rows]
    .map((row) => row.map((cell, column) => cell.padStart(widths[column]!)).join("  "))
    .join("\n")
}

export const waitsTable = (points: ReadonlyArray<WaitsPoint>): string =>
  table(
    ["max", "in use", "waited", "mean", "p50", "p90", "p99", "p99.9", "longest", "failed", "p99 M/M/c"],
    points.map(({ busy, erlang, failed, leases, max, unserved, waits }) => [
      count(max),
      percent(busy / max),
      percent(waits.waited),
      ...[waits.mean, waits.p50, waits.p90, waits.p99, waits.p999, waits.longest].map(millisText),
      percent((failed + unserved) / Math.max(1, leases + failed + unserved)),
      millisText(erlang.quantile(0.99))
    ])
  )

export const waitsPlot = (points: ReadonlyArray<WaitsPoint>, subtitle: string): string =>
  drawLines({
    title: "How long requests wait, by the max of the pool",
    subtitle,
    x: { label: "max", isLog: false, format: count },
    y: { label: "wait", isLog: true, format: millisText },
    lines: [
      { name: "p99.9", points: points.map(({ max, waits }) => [max, waits.p999]) },
      { name: "p99", points: points.map(({ max, waits }) => [max, waits.p99]) },
      { name: "p90", points: points.map(({ max, waits }) => [max, waits.p90]) },
      { name: "mean", points: points.map(({ max, waits }) => [max, waits.mean]) },
      {
        name: "p99 by the formula M/M/c",
        points: points.map(({ erlang, max }) => [max, erlang.quantile(0.99)]),
        isDashed: true
      }
    ]
  })

export const fleetTable = (points: ReadonlyArray<FleetPoint>): string =>
  table(
    [
      "processes",
      "servers",
      "sessions",
      "peak",
      "in use",
      "connections",
      "log-ons/s",
      "refused",
      "p99 wait",
      "longest",
      "failed"
    ],
    points.map(({ broker, busy, database, failed, leases, processes, servers, unserved, waits }) => [
      count(processes),
      servers,
      digits(database.mean, 1),
      count(database.peak),
      digits(busy, 1),
      servers === "drcp" ? digits(broker.mean, 1) : "-",
      digits(database.logOnsPerSecond + broker.logOnsPerSecond, 2),
      count(database.refused),
      millisText(waits.p99),
      millisText(waits.longest),
      percent((failed + unserved) / Math.max(1, leases + failed + unserved))
    ])
  )

export const fleetPlot = (points: ReadonlyArray<FleetPoint>, subtitle: string): string => {
  const dedicated = points.filter(({ servers }) => servers === "dedicated")
  const pooled = points.filter(({ servers }) => servers === "drcp")
  return drawLines({
    title: "Sessions at the database, by the number of processes",
    subtitle,
    x: { label: "processes", isLog: true, format: count },
    y: { label: "sessions", isLog: true, format: count },
    lines: [
      {
        name: "max of all pools together",
        points: dedicated.map(({ max, processes }) => [processes, processes * max]),
        isDashed: true
      },
      { name: "dedicated, peak", points: dedicated.map(({ database, processes }) => [processes, database.peak]) },
      { name: "dedicated, mean", points: dedicated.map(({ database, processes }) => [processes, database.mean]) },
      { name: "DRCP, peak", points: pooled.map(({ database, processes }) => [processes, database.peak]) },
      { name: "DRCP, mean", points: pooled.map(({ database, processes }) => [processes, database.mean]) },
      { name: "in use", points: dedicated.map(({ busy, processes }) => [processes, busy]) }
    ]
  })
}
