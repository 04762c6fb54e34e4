/** Reading the arguments of the system's subprograms. */
import type { Step } from "../../storage/waiting.ts"
import type { Stored } from "../../values/composite.ts"
import { rescale } from "../../values/numberArithmetic.ts"
import { fromInteger, type NumberValue, toDouble, toInteger } from "../../values/oracleNumber.ts"
import type { Caller } from "../native.ts"

export type Arguments = Record<string, Stored>

export const textOf = (value: Stored | undefined): string | null => value === undefined ? null : value as string | null

/** Rounded, as the server does it for parameters of integer types. */
export const integerOf = (value: Stored | undefined): number | null => {
  if (value === undefined || value === null) return null
  const whole = rescale(value as NumberValue, 0, false)
  return toInteger(whole) ?? toDouble(whole)
}

export const doubleOf = (value: Stored | undefined): number | null =>
  value === undefined || value === null ? null : toDouble(value as NumberValue)

export const bytesOf = (value: Stored | undefined): Uint8Array | null =>
  value === undefined ? null : value as Uint8Array | null

export const truthOf = (value: Stored | undefined): boolean => value === 1

export const number = (value: number): NumberValue => fromInteger(value)

/** Waits so many seconds, in hundredths; a break ends it. */
export function* sleepFor(caller: Caller, seconds: number): Step<void> {
  const { host } = caller.host.core
  yield (signal) => host.sleep(seconds * 1000, signal)
}
