/** Random durations: how they are described, read from text, and drawn. */
import * as Duration from "effect/Duration"
import type { Random } from "effect/Random"
import { durationOf } from "../fieldKinds.ts"

/**
 * How long something takes, in milliseconds: always the same, or at random.
 *
 * **When to use**
 *
 * Make one with `PoolSimulation.fixed`, `PoolSimulation.exponential` or `PoolSimulation.logNormal`.
 *
 * **Details**
 *
 * `sigma` is the standard deviation of the logarithm, above 0 and at most 10.
 *
 * @category models
 * @since 0.3.0
 */
export type Times =
  | { readonly _tag: "Fixed"; readonly mean: number }
  | { readonly _tag: "Exponential"; readonly mean: number }
  | { readonly _tag: "LogNormal"; readonly mean: number; readonly sigma: number }

const shorthand = /^(\d+(?:\.\d+)?)\s*(us|ms|s|m|h|d)$/
const millisOf: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** A duration in milliseconds: `20ms`, `1.5s`, `2m`, or any text that Effect reads as one; `undefined` where it is none. */
export const millisFrom = (text: string): number | undefined => {
  const [, digits, unit] = shorthand.exec(text.trim()) ?? []
  if (digits !== undefined && unit !== undefined) return Number(digits) * millisOf[unit]!
  // A number without a unit could be seconds or milliseconds.
  if (/^[\d.\s]*$/.test(text)) return undefined
  const found = durationOf(text)
  return found === undefined ? undefined : Duration.toMillis(found)
}

export const expectedTimes =
  "a duration (20ms), exponential:20ms, or lognormal:20ms:1.2 with the standard deviation of its logarithm"

const isSigma = (sigma: number): boolean => sigma > 0 && sigma <= 10
const isMean = (mean: number | undefined): mean is number => mean !== undefined && mean >= 0 && Number.isFinite(mean)

/** What `--hold` and its like are given; `undefined` where it is none of these. */
export const timesFrom = (text: string): Times | undefined => {
  const parts = text.split(":").map((part) => part.trim())
  const [kind = "", duration = "", sigma] = parts.length === 1 ? ["fixed", ...parts] : parts
  const mean = millisFrom(duration)
  if (!isMean(mean)) return undefined
  if (kind === "fixed" && parts.length <= 2) return { _tag: "Fixed", mean }
  if (kind === "exponential" && parts.length === 2) return { _tag: "Exponential", mean }
  if (kind === "lognormal" && parts.length === 3 && isSigma(Number(sigma))) {
    return { _tag: "LogNormal", mean, sigma: Number(sigma) }
  }
  return undefined
}

/** Whether a program has given usable times; types alone do not keep a mean from being negative. */
export const isTimes = (given: unknown): given is Times => {
  if (typeof given !== "object" || given === null) return false
  const { _tag, mean, sigma } = given as { readonly _tag?: unknown; readonly mean?: unknown; readonly sigma?: unknown }
  return typeof mean === "number" && isMean(mean) &&
    (_tag === "Fixed" || _tag === "Exponential" ||
      (_tag === "LogNormal" && typeof sigma === "number" && isSigma(sigma)))
}

/** In words, for tables: `exponential, mean 20 ms`. */
export const describeTimes = (times: Times, duration: (millis: number) => string): string =>
  times._tag === "Fixed"
    ? duration(times.mean)
    : times._tag === "Exponential"
    ? `exponential, mean ${duration(times.mean)}`
    : `log-normal, mean ${duration(times.mean)}, sigma ${times.sigma}`

export type Numbers = Pick<Random, "nextDoubleUnsafe">

/** Normally distributed, by the method of Box and Muller. */
const normal = (random: Numbers): number =>
  Math.sqrt(-2 * Math.log(1 - random.nextDoubleUnsafe())) * Math.cos(2 * Math.PI * random.nextDoubleUnsafe())

/** Draws the next one, in milliseconds. */
export const draw = (times: Times, random: Numbers): number => {
  switch (times._tag) {
    case "Fixed":
      return times.mean
    case "Exponential":
      return -times.mean * Math.log(1 - random.nextDoubleUnsafe())
    case "LogNormal":
      return times.mean * Math.exp(times.sigma * normal(random) - times.sigma ** 2 / 2)
  }
}
