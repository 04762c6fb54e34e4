/** The rows of a partition that a window function sees from one of them. */
import type { Stored } from "../values/composite.ts"

export type Edge =
  | { readonly kind: "unbounded" }
  | { readonly kind: "current" }
  /** So many rows or groups away: the number is an argument of the function. */
  | { readonly kind: "preceding" | "following"; readonly arg: number }
  /** RANGE: up to the value that is this argument. */
  | { readonly kind: "value"; readonly arg: number }

export interface FrameSpec {
  readonly unit: "rows" | "range" | "groups"
  readonly from: Edge
  readonly to: Edge
  readonly exclude: "current" | "group" | "ties" | undefined
}

/** What is known of a partition, by numbers of rows. */
export interface PartitionRows {
  readonly from: number
  readonly to: number
  readonly isPeer: (a: number, b: number) => boolean
  /** How a row's place in the order compares with a value. */
  readonly compareTo: (row: number, value: Stored) => number
  readonly offset: (row: number, arg: number) => number
  readonly value: (row: number, arg: number) => Stored
  /** The number of the group of peers that a row is in, and the first row of each group. */
  readonly groups: { readonly of: ReadonlyArray<number>; readonly starts: ReadonlyArray<number> } | undefined
}

const peers = (rows: PartitionRows, i: number, isStart: boolean): number => {
  let at = i
  if (isStart) { while (at > rows.from && rows.isPeer(at - 1, i)) at-- }
  else while (at < rows.to - 1 && rows.isPeer(at + 1, i)) at++
  return at
}

/** The first row that is not before the value, or the last one that is not after it. */
const byValue = (rows: PartitionRows, value: Stored, isStart: boolean): number => {
  let low = rows.from
  let high = rows.to
  while (low < high) {
    const middle = (low + high) >> 1
    const order = rows.compareTo(middle, value)
    if (order < 0 || (!isStart && order === 0)) low = middle + 1
    else high = middle
  }
  return isStart ? low : low - 1
}

export const edge = (frame: FrameSpec, side: Edge, i: number, rows: PartitionRows, isStart: boolean): number => {
  switch (side.kind) {
    case "unbounded":
      return isStart ? rows.from : rows.to - 1
    case "current":
      return frame.unit === "rows" ? i : peers(rows, i, isStart)
    case "value": {
      const value = rows.value(i, side.arg)
      // A row without a value has only its like around it.
      return value === null ? peers(rows, i, isStart) : byValue(rows, value, isStart)
    }
    default: {
      const offset = rows.offset(i, side.arg) * (side.kind === "preceding" ? -1 : 1)
      if (frame.unit === "rows") return i + offset
      const { of, starts } = rows.groups!
      const group = of[i - rows.from]! + offset
      if (group < 0) return isStart ? rows.from : rows.from - 1
      if (group >= starts.length) return isStart ? rows.to : rows.to - 1
      return isStart ? starts[group]! : (starts[group + 1] ?? rows.to) - 1
    }
  }
}

export const isExcluded = (frame: FrameSpec, k: number, i: number, isPeer: PartitionRows["isPeer"]): boolean => {
  switch (frame.exclude) {
    case undefined:
      return false
    case "current":
      return k === i
    case "group":
      return k === i || isPeer(k, i)
    case "ties":
      return k !== i && isPeer(k, i)
  }
}
