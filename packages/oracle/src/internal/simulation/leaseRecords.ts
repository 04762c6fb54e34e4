/** Leases as they are recorded: found in the events of a pool, written as lines of CSV, read from CSV or lines of JSON. */
import type { PoolEvent } from "@sessionpool/core"
import * as Result from "effect/Result"
import type { LeaseTimes } from "./load.ts"

/** Pairs the events of a pool: a lease is complete when its session is returned, or closed under it. */
export class LeaseMatcher {
  readonly #lent = new Map<number, { readonly arrival: number; readonly since: number }>()

  /** The lease that an event completes, if it does. */
  seen(event: PoolEvent.PoolEvent): LeaseTimes | undefined {
    switch (event._tag) {
      case "SessionLent":
        this.#lent.set(event.session, { arrival: event.at - event.waitedMillis, since: event.at })
        return undefined
      case "SessionReturned":
        return this.#end(event.session, () => event.heldMillis)
      case "SessionClosed":
        return this.#end(event.session, (since) => event.at - since)
      default:
        return undefined
    }
  }

  #end(session: number, held: (since: number) => number): LeaseTimes | undefined {
    const lent = this.#lent.get(session)
    // It was lent before the recording began.
    if (lent === undefined) return undefined
    this.#lent.delete(session)
    return { arrival: lent.arrival, hold: Math.max(0, held(lent.since)) }
  }
}

export const csvHead = "arrival_ms,hold_ms\n"
export const csvLine = ({ arrival, hold }: LeaseTimes): string => `${arrival},${hold}\n`

/** What is wrong with a line, by its number from 1. */
interface BadLine {
  readonly line: number
  readonly problem: string
}

const lease = (arrival: unknown, hold: unknown): LeaseTimes | undefined =>
  typeof arrival === "number" && typeof hold === "number" && Number.isFinite(arrival) && Number.isFinite(hold) &&
    hold >= 0
    ? { arrival, hold }
    : undefined

const fromJson = (text: string): LeaseTimes | undefined => {
  try {
    const given: unknown = JSON.parse(text)
    return typeof given === "object" && given !== null && "arrival" in given && "hold" in given
      ? lease(given.arrival, given.hold)
      : undefined
  } catch {
    return undefined
  }
}

const fromCsv = (text: string): LeaseTimes | undefined => {
  const [arrival = "", hold = "", ...more] = text.split(",").map((cell) => cell.trim())
  return more.length > 0 || arrival === "" || hold === "" ? undefined : lease(Number(arrival), Number(hold))
}

/** Reads lines of CSV (`arrival,hold` in milliseconds, with a head line or without) or of JSON (`{"arrival": 0, "hold": 20}`). */
export const parseLeases = (text: string): Result.Result<ReadonlyArray<LeaseTimes>, BadLine> => {
  const leases: Array<LeaseTimes> = []
  let isFirst = true
  let number = 0
  for (const line of text.replace(/^\uFEFF/, "").split(/\r?\n/)) {
    number++
    const content = line.trim()
    if (content === "") continue
    const isJson = content.startsWith("{")
    const found = isJson ? fromJson(content) : fromCsv(content)
    if (found !== undefined) leases.push(found)
    // A head line names the columns, in whatever words.
    else if (!isFirst || isJson || /\d/.test(content)) {
      return Result.fail({
        line: number,
        problem: isJson
          ? "must be {\"arrival\": 0, \"hold\": 20}, in milliseconds, with a hold of 0 or more"
          : "must be two numbers, arrival,hold in milliseconds, with a hold of 0 or more"
      })
    }
    isFirst = false
  }
  if (leases.length < 2) {
    return Result.fail({
      line: number,
      problem: `is the last one: there must be at least 2 leases, not ${leases.length}`
    })
  }
  return Result.succeed(leases.toSorted((a, b) => a.arrival - b.arrival))
}
