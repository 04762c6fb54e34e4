/** The options of a simulation: what each may be, and the sentences for those that cannot be used. */
import * as Duration from "effect/Duration"
import { duration, type Field, integer, text } from "../fieldKinds.ts"
import { checkFields } from "../settingFields.ts"
import type { DatabaseOptions, Drcp } from "./database.ts"
import type { Extent } from "./simulation.ts"
import { isTimes, type Times } from "./times.ts"

interface Problem {
  readonly field: string
  readonly problem: string
}

/** A value, and what is wrong with it; it is usable where nothing is. */
export interface Checked<A> {
  readonly value: A
  readonly problems: ReadonlyArray<Problem>
}

const mostLeases = 10_000_000

const numberFrom = (least: number, most: number): Field<number> => ({
  expected: `a number from ${least} to ${most}`,
  parse: (input) => typeof input === "number" && input >= least && input <= most ? input : undefined
})

const times: Field<Times> = {
  expected:
    "what fixed, exponential or logNormal return, of 0 or more and, for logNormal, with a sigma above 0 and up to 10",
  parse: (input) => isTimes(input) ? input : undefined
}

const seed: Field<string> = {
  expected: "a number or a text",
  parse: (input) => typeof input === "number" && Number.isFinite(input) ? String(input) : text.parse(input)
}

const anyFunction: Field<unknown> = {
  expected: "a function",
  parse: (input) => typeof input === "function" ? input : undefined
}

const runFields = {
  leases: integer(100, mostLeases),
  duration,
  warmUp: numberFrom(0, 0.9),
  logOn: times,
  logOnsAtOnce: integer(1, 1_000_000),
  sessionLimit: integer(1, 1_000_000),
  seed,
  perProcess: { expected: "true or false", parse: (input: unknown) => typeof input === "boolean" ? input : undefined },
  onProgress: anyFunction
}

const drcpFields = {
  minSize: integer(0, 100_000),
  maxSize: integer(1, 100_000),
  inactivityTimeout: duration
}

type Parsed<Given> = { readonly [K in keyof Given]?: Given[K] extends Field<infer A> ? A : never }

const isObject = (given: unknown): given is object => typeof given === "object" && given !== null

const parse = <Given extends { readonly [name: string]: Field<unknown> }>(
  fields: Given,
  given: object,
  within = ""
) => {
  const { problems, settings } = checkFields<object>(fields as never, given)
  return {
    settings: settings as Parsed<Given>,
    problems: problems.map(({ field, problem }) => ({ field: `${within}${field}`, problem }))
  }
}

interface Run {
  readonly database: DatabaseOptions
  readonly drcp: Drcp | undefined
  readonly extent: Extent | undefined
  readonly warmUp: number
  readonly seed: string
}

const drcpOf = (given: unknown): Checked<Drcp | undefined> => {
  if (given === undefined) return { value: undefined, problems: [] }
  if (!isObject(given)) return { value: undefined, problems: [{ field: "drcp", problem: "must be an object" }] }
  const { problems, settings } = parse(drcpFields, given, "drcp.")
  const { inactivityTimeout = Duration.minutes(5), maxSize = 40, minSize = 4 } = settings
  return {
    value: { minSize, maxSize, inactivity: Duration.toMillis(inactivityTimeout) },
    problems
  }
}

/** What all simulations take. */
export const checkRun = (given: unknown): Checked<Run> => {
  const options = isObject(given) ? given : {}
  const { problems, settings } = parse(runFields, options)
  const drcp = drcpOf("drcp" in options ? options.drcp : undefined)
  const { duration: lasting, leases } = settings
  const conflicts: ReadonlyArray<Problem> = [
    ...(isObject(given) ? [] : [{ field: "options", problem: "must be an object" }]),
    ...(leases !== undefined && lasting !== undefined
      ? [{ field: "duration", problem: "cannot be given beside leases" }]
      : []),
    ...(lasting !== undefined && !(Duration.toMillis(lasting) > 0 && Duration.isFinite(lasting))
      ? [{ field: "duration", problem: "must be above 0, and finite" }]
      : [])
  ]
  return {
    value: {
      database: {
        logOn: settings.logOn ?? { _tag: "Fixed", mean: 50 },
        logOnsAtOnce: settings.logOnsAtOnce ?? Infinity,
        sessionLimit: settings.sessionLimit ?? Infinity
      },
      drcp: drcp.value,
      extent: leases !== undefined
        ? { leases }
        : lasting !== undefined
        ? { duration: Duration.toMillis(lasting) }
        : undefined,
      warmUp: settings.warmUp ?? 0.1,
      seed: settings.seed ?? "1"
    },
    problems: [...problems, ...conflicts, ...drcp.problems]
  }
}

const isRate = (rate: unknown): boolean => typeof rate === "number" && rate > 0 && rate <= 1e6

const loadProblems = (given: unknown): ReadonlyArray<Problem> => {
  if (!isObject(given) || !("_tag" in given)) {
    return [{ field: "load", problem: "must be what assumed or recorded returns" }]
  }
  const load = given as { readonly [name: string]: unknown }
  if (load._tag === "Assumed") {
    return [
      ...(isRate(load.rate) ? [] : [{ field: "load.rate", problem: "must be a number above 0, and at most 1000000" }]),
      ...(isTimes(load.hold) ? [] : [{ field: "load.hold", problem: `must be ${times.expected}` }]),
      ...(isTimes(load.gap) || !isRate(load.rate)
        ? []
        : [{ field: "load.arrivals", problem: "must be \"exponential\", \"fixed\", or a sigma above 0 and up to 10" }])
    ]
  }
  const leases = Array.isArray(load.leases) ? load.leases : []
  const isUsable = leases.every((lease) =>
    isObject(lease) && "arrival" in lease && "hold" in lease && Number.isFinite(lease.arrival)
    && Number.isFinite(lease.hold) && Number(lease.hold) >= 0
  )
  return [
    ...(leases.length >= 2 && isUsable
      ? []
      : [{
        field: "load.leases",
        problem: "must be at least 2, each with an arrival and a hold of 0 or more, in milliseconds"
      }]),
    ...(typeof load.times === "number" && load.times > 0 && load.times <= 1e6
      ? []
      : [{ field: "load.times", problem: "must be a number above 0, and at most 1000000" }])
  ]
}

/** The load, which a program may have put together from anything. */
export const checkLoad = (given: unknown): Checked<undefined> => ({ value: undefined, problems: loadProblems(given) })

/** A list of whole numbers to try. */
export const checkSizes = (field: string, given: unknown, most: number): Checked<undefined> => {
  const one = integer(1, most)
  const sizes: ReadonlyArray<unknown> = Array.isArray(given) ? given : []
  const isUsable = sizes.length > 0 && sizes.length <= 100 && sizes.every((size) => one.parse(size) === size)
  return {
    value: undefined,
    problems: isUsable ? [] : [{ field, problem: `must be 1 to 100 numbers, each ${one.expected}` }]
  }
}
