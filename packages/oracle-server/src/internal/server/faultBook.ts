/** The faults in force, and which of them hits a call. */
import type { Fault, Target } from "../../Fault.ts"
import { OraError } from "../engine/oraError.ts"
import type { FunctionName } from "../ttc/call.ts"
import type { CallFault } from "../ttc/ttcHost.ts"
import type { ByteLimit } from "./transport.ts"

/** What is known of a call when faults are looked up. */
export interface CallFacts {
  readonly name: FunctionName
  readonly sql: string | undefined
  readonly user: string | undefined
  readonly service: string | undefined
  readonly sid: number | undefined
}

/** A fault that has been injected. */
export interface ArmedFault {
  readonly fault: Fault
  hits: number
  passed: number
  /** Connections that are to be cut when they reach the limit. */
  taken: number
}

const matches = (target: Target, facts: CallFacts): boolean => {
  const { on, service, sid, sql, user } = target
  if (on !== undefined && (typeof on === "string" ? on !== facts.name : !on.includes(facts.name))) return false
  if (sql !== undefined) {
    if (facts.sql === undefined) return false
    if (typeof sql === "string" ? !facts.sql.includes(sql) : facts.sql.search(sql) < 0) return false
  }
  if (user !== undefined && user.toUpperCase() !== facts.user?.toUpperCase()) return false
  if (service !== undefined && service.toUpperCase() !== facts.service?.toUpperCase()) return false
  return sid === undefined || sid === facts.sid
}

type ConnectFault = Extract<Fault, { _tag: "Refuse" | "Redirect" | "Resend" }>

const isConnectFault = (fault: Fault): fault is ConnectFault =>
  fault._tag === "Refuse" || fault._tag === "Redirect" || fault._tag === "Resend"

const toCallFault = (fault: Fault): CallFault | undefined => {
  switch (fault._tag) {
    case "Error":
      return { _tag: "Error", error: new OraError(fault.code, fault.message) }
    case "Delay":
      return { _tag: "Delay", milliseconds: fault.milliseconds }
    case "Hang":
      return { _tag: "Hang" }
    case "Disconnect":
      return { _tag: "Disconnect", when: fault.when, reset: fault.reset }
    case "Truncate":
      return { _tag: "Truncate", bytes: fault.bytes, then: fault.then }
    default:
      return undefined
  }
}

/** The faults that are in force, in the order in which they were injected: the first that fits a call hits it. */
export class FaultBook {
  readonly #armed = new Set<ArmedFault>()

  arm(fault: Fault): ArmedFault {
    const entry: ArmedFault = { fault, hits: 0, passed: 0, taken: 0 }
    this.#armed.add(entry)
    return entry
  }

  disarm(entry: ArmedFault): void {
    this.#armed.delete(entry)
  }

  clear(): void {
    this.#armed.clear()
  }

  get list(): ReadonlyArray<ArmedFault> {
    return [...this.#armed]
  }

  #hit(entry: ArmedFault, times: number): void {
    entry.hits++
    if (entry.hits >= times) this.#armed.delete(entry)
  }

  #first(facts: CallFacts, accepts: (fault: Fault) => boolean): Fault | undefined {
    for (const entry of this.#armed) {
      const { fault } = entry
      if (fault._tag === "Cut" || !accepts(fault) || !matches(fault.target, facts)) continue
      if (entry.passed < (fault.target.skip ?? 0)) {
        entry.passed++
        continue
      }
      this.#hit(entry, fault.target.times ?? 1)
      return fault
    }
    return undefined
  }

  forCall(facts: CallFacts): CallFault | undefined {
    if (this.#armed.size === 0) return undefined
    const fault = this.#first(facts, (fault) => !isConnectFault(fault))
    return fault === undefined ? undefined : toCallFault(fault)
  }

  forConnect(facts: CallFacts): ConnectFault | CallFault | undefined {
    if (this.#armed.size === 0) return undefined
    const fault = this.#first(facts, () => true)
    if (fault === undefined) return undefined
    return isConnectFault(fault) ? fault : toCallFault(fault)
  }

  /** The byte limits of a new connection. */
  limitsOfConnection(): ReadonlyArray<ByteLimit> {
    const limits: Array<ByteLimit> = []
    for (const entry of this.#armed) {
      const { fault } = entry
      if (fault._tag !== "Cut" || fault.since !== "connect") continue
      entry.taken++
      if (entry.taken >= fault.times) this.#armed.delete(entry)
      limits.push(toLimit(entry, fault, () => entry.hits++))
    }
    return limits
  }

  /** A limit for a connection that exists already; `spent` is called when it has been reached often enough. */
  limitFromNow(entry: ArmedFault, fault: Extract<Fault, { _tag: "Cut" }>, spent: () => void): ByteLimit {
    return toLimit(entry, fault, () => {
      this.#hit(entry, fault.times)
      if (!this.#armed.has(entry)) spent()
    })
  }
}

const toLimit = (
  entry: ArmedFault,
  fault: Extract<Fault, { _tag: "Cut" }>,
  reached: () => void
): ByteLimit => ({
  direction: fault.direction,
  remaining: fault.after,
  then: fault.then,
  reached,
  owner: entry
})
