/** Checks what a pool is made of besides its settings: a wrong part is named when the pool is made, not found when it is first used. */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { mistake } from "../data/messageText.ts"
import type { Problem } from "../entities/requestFields.ts"
import type { Parts } from "./contract.ts"

type AnyParts = Parts<unknown, never, never, unknown, unknown>

const methods = [
  "open",
  "close",
  "ping",
  "reset",
  "interrupt",
  "isHealthy",
  "isAuthenticationFailure",
  "lease"
] satisfies ReadonlyArray<keyof AnyParts["driver"]>

const isFunction = (value: unknown): boolean => typeof value === "function"

const optional: {
  readonly [K in Exclude<keyof AnyParts, "driver">]: readonly [accepts: (value: unknown) => boolean, expected: string]
} = {
  credentials: [Effect.isEffect, "an Effect"],
  onSession: [isFunction, "a function"],
  onLease: [isFunction, "a function"],
  resetSession: [isFunction, "a function"],
  openRetry: [Schedule.isSchedule, "a Schedule"]
}

const driverProblems = (driver: unknown): ReadonlyArray<Problem> => {
  if (typeof driver !== "object" || driver === null) {
    return [mistake("driver", "a SessionDriver", driver)]
  }
  const missing = methods.filter((name) => typeof Reflect.get(driver, name) !== "function")
  return missing.map((name) => ({ field: `driver.${name}`, problem: "must be a function" }))
}

/** Everything among the parts that a pool cannot be made of. */
export const partProblems = (options: object): ReadonlyArray<Problem> => [
  ...driverProblems(Reflect.get(options, "driver")),
  ...Object.entries(optional).flatMap(([field, [accepts, expected]]) => {
    const value: unknown = Reflect.get(options, field)
    return value === undefined || accepts(value) ? [] : [{ field, problem: `must be ${expected}` }]
  })
]
