/** Checks the parts of a request, apart from its tag: each that cannot be used is named, so that none ends in a defect or is ignored. */
import * as Redacted from "effect/Redacted"
import type { SessionRequest } from "../../SessionRequest.ts"
import { mistake, showValue } from "../data/messageText.ts"
import {
  expectedClass,
  expectedDuration,
  expectedUser,
  parseClass,
  parseMillis,
  parseText,
  parseUserName
} from "../data/optionField.ts"

/** A field that cannot be used, and why, in the words of `InvalidOptionsError`. */
export interface Problem {
  readonly field: string
  readonly problem: string
}

const isShardingValue = (value: unknown): boolean =>
  typeof value === "string" || typeof value === "bigint" || (typeof value === "number" && Number.isFinite(value)) ||
  (value instanceof Date && !Number.isNaN(value.getTime())) || value instanceof Uint8Array

const isShardingKey = (key: unknown): boolean =>
  Array.isArray(key) ? key.length > 0 && key.every(isShardingValue) : isShardingValue(key)

const expectedKey = "a string, a finite number, a bigint, a valid Date, bytes, or a non-empty array of these"

interface Check {
  readonly accepts: (value: unknown) => boolean
  readonly expected: string
  /** Whether the value may be shown. */
  readonly isSecret?: boolean
}

const purities: ReadonlySet<unknown> = new Set(["default", "new", "self"])

const checks: { readonly [K in keyof SessionRequest]-?: Check } = {
  user: { accepts: (value) => parseUserName(value) !== undefined, expected: expectedUser, isSecret: true },
  password: {
    accepts: (value) => Redacted.isRedacted(value) && typeof Redacted.value(value) === "string",
    expected: "a Redacted string",
    isSecret: true
  },
  cclass: { accepts: (value) => parseClass(value) !== undefined, expected: expectedClass },
  purity: { accepts: (value) => purities.has(value), expected: `"default", "new" or "self"` },
  // Read where the other tags are, with an error of its own.
  tag: { accepts: () => true, expected: "" },
  matchAnyTag: { accepts: (value) => typeof value === "boolean", expected: "true or false" },
  shardingKey: { accepts: isShardingKey, expected: expectedKey },
  superShardingKey: { accepts: isShardingKey, expected: expectedKey },
  waitTimeout: { accepts: (value) => parseMillis(value) !== undefined, expected: expectedDuration },
  // The driver's own.
  context: { accepts: () => true, expected: "" }
}

const known: ReadonlySet<string> = new Set(Object.keys(checks))

/** Whether it is an object with fields, whatever they are. */
export const isRecord = (request: unknown): request is object =>
  typeof request === "object" && request !== null && !Array.isArray(request)

const problemOf = (field: string, value: unknown): ReadonlyArray<Problem> => {
  if (value === undefined) return []
  if (!known.has(field)) {
    return [{
      field: parseText(field) ?? showValue(field),
      problem: `is not a part of a request, which may have ${[...known].join(", ")}`
    }]
  }
  const { accepts, expected, isSecret } = checks[field as keyof SessionRequest]
  if (accepts(value)) return []
  return [mistake(field, expected, value, isSecret)]
}

/** Everything in a request that cannot be used. */
export const problemsOf = (request: unknown): ReadonlyArray<Problem> =>
  isRecord(request)
    ? Object.entries(request).flatMap(([field, value]) => problemOf(field, value))
    : [mistake("request", "an object", request)]
