/** Vectors: read from text, written as text, brought into the format and the dimensions of a column. */
import { formatDouble, formatFloat } from "./doubleText.ts"
import { oraError } from "./oraError.ts"
import type { VectorValue } from "./value.ts"

export type VectorFormat = VectorValue["format"]

export interface Vector {
  readonly format: VectorFormat
  /** BINARY: a number for eight dimensions. */
  readonly values: ReadonlyArray<number>
}

/** The stored form. */
export const storeVector = ({ format, values }: Vector): string => JSON.stringify({ f: format, v: values })

export const loadVector = (stored: string): Vector => {
  const { f, v } = JSON.parse(stored) as { readonly f: VectorFormat; readonly v: ReadonlyArray<number> }
  return { format: f, values: v }
}

export const dimensionsOf = ({ format, values }: Vector): number => values.length * (format === "BINARY" ? 8 : 1)

const malformed = (value: string): Error =>
  oraError(
    51805,
    `Vector is not properly formatted (dimension value ${value} is either not a number or infinity).`
  )

const element = (text: string): number => {
  const trimmed = text.trim()
  if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(trimmed)) throw malformed(trimmed)
  return Number(trimmed)
}

/** `[1, 2.5]`, or `[dimensions, [indexes], [values]]` of a sparse one, whose indexes count from 1. */
export const readVector = (text: string, format: VectorFormat = "FLOAT32"): Vector => {
  const sparse = /^\s*\[\s*(\d+)\s*,\s*\[([^\]]*)\]\s*,\s*\[([^\]]*)\]\s*\]\s*$/.exec(text)
  if (sparse !== null) {
    const values = Array.from({ length: Number(sparse[1]) }, () => 0)
    const items = sparse[3]!.split(",")
    sparse[2]!.split(",").forEach((index, i) => {
      const place = Number(index) - 1
      if (!(place in values) || items[i] === undefined) throw malformed(index)
      values[place] = element(items[i])
    })
    return inFormat(values, format)
  }
  const match = /^\s*\[([^[\]]*)\]\s*$/.exec(text)
  if (match === null || match[1]!.trim() === "") throw malformed(text.trim())
  return inFormat(match[1]!.split(",").map(element), format)
}

const inFormat = (values: ReadonlyArray<number>, format: VectorFormat): Vector => {
  const limits: Readonly<Record<string, readonly [number, number]>> = { INT8: [-128, 127], BINARY: [0, 255] }
  const limit = limits[format]
  const kept = values.map((value) => {
    if (limit !== undefined) {
      const whole = Math.round(value)
      if (whole < limit[0] || whole > limit[1]) {
        throw oraError(
          51806,
          `Vector column is not properly formatted (dimension value ${value} is outside the allowed precision range).`
        )
      }
      return whole
    }
    const number = format === "FLOAT32" ? Math.fround(value) : value
    if (!Number.isFinite(number)) throw malformed(String(value))
    return number
  })
  return { format, values: kept }
}

/** As a column or a cast keeps it. */
export const fitVector = (vector: Vector, dimensions: number, format: VectorFormat | "ANY"): Vector => {
  const actual = dimensionsOf(vector)
  if (dimensions > 0 && actual !== dimensions) {
    throw oraError(
      51803,
      `Vector dimension count must match the dimension count specified in the column definition (expected ${dimensions} dimensions, specified ${actual} dimensions).`
    )
  }
  if (format === "ANY" || format === vector.format) return vector
  if (format === "BINARY" || vector.format === "BINARY") {
    throw oraError(51814, "Vector of BINARY format cannot have any operation performed with vector of any other type.")
  }
  return inFormat(vector.values, format)
}

export const writeVector = ({ format, values }: Vector): string =>
  `[${
    values.map((value) =>
      format === "FLOAT32" ? formatFloat(value) : format === "FLOAT64" ? formatDouble(value) : String(value)
    ).join(",")
  }]`

const bits = (byte: number): number => {
  let count = 0
  for (let rest = byte; rest > 0; rest >>= 1) count += rest & 1
  return count
}

const sum = (a: Vector, b: Vector, term: (x: number, y: number) => number): number =>
  a.values.reduce((total, x, i) => total + term(x, b.values[i]!), 0)

const dot = (a: Vector, b: Vector): number => sum(a, b, (x, y) => x * y)
export const norm = (a: Vector): number => Math.sqrt(dot(a, a))

export type Metric = "COSINE" | "DOT" | "EUCLIDEAN" | "EUCLIDEAN_SQUARED" | "MANHATTAN" | "HAMMING" | "JACCARD"

export const distance = (a: Vector, b: Vector, metric: Metric): number => {
  if (dimensionsOf(a) !== dimensionsOf(b)) {
    throw oraError(
      51808,
      `VECTOR_DISTANCE function is not supported for vectors with different dimension counts (${dimensionsOf(a)}, ${
        dimensionsOf(b)
      }).`
    )
  }
  if ((a.format === "BINARY") !== (b.format === "BINARY")) {
    throw oraError(51814, "Vector of BINARY format cannot have any operation performed with vector of any other type.")
  }
  const isBinary = a.format === "BINARY"
  switch (metric) {
    case "COSINE":
      return 1 - dot(a, b) / (norm(a) * norm(b))
    case "DOT":
      return -dot(a, b)
    case "EUCLIDEAN":
      return Math.sqrt(sum(a, b, (x, y) => (x - y) ** 2))
    case "EUCLIDEAN_SQUARED":
      return sum(a, b, (x, y) => (x - y) ** 2)
    case "MANHATTAN":
      return sum(a, b, (x, y) => Math.abs(x - y))
    case "HAMMING":
      return sum(a, b, (x, y) => isBinary ? bits(x ^ y) : x === y ? 0 : 1)
    case "JACCARD": {
      const shared = sum(a, b, (x, y) => bits(x & y))
      const either = sum(a, b, (x, y) => bits(x | y))
      return either === 0 ? 0 : 1 - shared / either
    }
  }
}

/** Sums, differences and products, dimension by dimension. */
export const combine = (a: Vector, b: Vector, op: "+" | "-" | "*"): Vector => {
  if (a.values.length !== b.values.length) {
    throw oraError(51808, `vectors with different dimension counts (${dimensionsOf(a)}, ${dimensionsOf(b)})`)
  }
  const format = a.format === b.format
    ? a.format
    : a.format === "FLOAT64" || b.format === "FLOAT64"
    ? "FLOAT64"
    : "FLOAT32"
  return inFormat(
    a.values.map((x, i) => {
      const y = b.values[i]!
      return op === "+" ? x + y : op === "-" ? x - y : x * y
    }),
    format
  )
}
