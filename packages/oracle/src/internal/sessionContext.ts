/**
 * Whose work a session does, as the server is told: client identifier, client info, module, action, operation, ECID, the
 * attributes of CLIENTCONTEXT and the current schema.
 *
 * What a lease wants and what the server has are kept apart. The difference goes to the driver when a call begins, and the driver
 * sends it along with that call. So neither the beginning nor the end of a lease costs a round trip, and leases that follow one
 * another with the same values cost nothing at all. When it is not known what the server has (a call that carried something was
 * broken or refused, or a pooled server may have changed its session), everything is sent again.
 */
import type { OracleError } from "../OracleError.ts"
import type { DriverConnection } from "./oracledb.ts"

/** The values that are sent as they are; an empty text is none. `undefined` leaves what the session has. */
export interface ContextValues {
  readonly clientIdentifier: string | undefined
  readonly clientInfo: string | undefined
  readonly operation: string | undefined
  readonly module: string | undefined
  readonly action: string | undefined
  readonly ecid: string | undefined
}

export type ContextField = keyof ContextValues

/** What a lease, or the time between leases, wants. */
export interface WantedContext {
  readonly values: ContextValues
  /** Attributes of CLIENTCONTEXT, by their names in capitals. */
  readonly attributes: ReadonlyMap<string, string> | undefined
  /** Why it cannot be sent; the calls of the lease fail with it. */
  readonly problem?: OracleError | undefined
}

const fields = ["clientIdentifier", "clientInfo", "operation", "module", "action", "ecid"] as const

/** The properties of the driver's connection that send them. */
const properties = {
  clientIdentifier: "clientId",
  clientInfo: "clientInfo",
  operation: "dbOp",
  // Setting the module sends the action too, so the action comes after it.
  module: "module",
  action: "action",
  ecid: "ecid"
} as const

const none: ContextValues = {
  clientIdentifier: "",
  clientInfo: "",
  operation: "",
  module: "",
  action: "",
  ecid: ""
}

const clientContext = "CLIENTCONTEXT"

/** Names of schemas are compared as the database reads them when they are not quoted. */
const isSameSchema = (one: string, other: string): boolean =>
  one.replaceAll("\"", "").toUpperCase() === other.replaceAll("\"", "").toUpperCase()

/** A schema that a lease has set. */
interface SchemaChange {
  readonly name: string
  /** The one to put back; `undefined` when it is to stay. */
  before: string | undefined
  /** Whether the driver has it, and whether the server has taken it. */
  isSent: boolean
  isTaken: boolean
  /** Whether one that was set before it in the same lease has been sent. */
  readonly followsSent: boolean
}

export interface SessionContextOptions {
  /** Module and action are left on the session at the end of a lease. */
  readonly keeps: boolean
  /** Whether the server may change its session at any time. */
  readonly isPooledServer: boolean
  /** What was set when the session was opened. */
  readonly attributes: ReadonlyMap<string, string>
}

export class SessionContext {
  readonly #options: SessionContextOptions
  readonly #between: WantedContext
  #wanted: WantedContext
  /** What the server has; `undefined` when that is not known. */
  #sent: ContextValues | undefined = none
  /** Attributes of CLIENTCONTEXT that the server may have otherwise than from the opening; `undefined` when not known. */
  readonly #sentAttributes = new Map<string, string | undefined>()
  #schema: SchemaChange | undefined = undefined
  /** A schema that is to be put back with the next call, and whether the driver has it. */
  #pendingSchema: string | undefined = undefined
  #isPendingSent = false

  constructor(options: SessionContextOptions) {
    this.#options = options
    const values = options.keeps ? { ...none, module: undefined, action: undefined } : none
    this.#between = { values, attributes: undefined }
    this.#wanted = this.#between
  }

  /** A lease begins; `undefined` when it is the pool's own. */
  begin(wanted: WantedContext | undefined): void {
    this.#wanted = wanted ?? this.#between
  }

  /**
   * The lease has ended: nothing of it is wanted any more. Gives false when the session must not be lent again, as it would go on
   * sending a schema that the server refuses.
   */
  end(connection: DriverConnection | undefined): boolean {
    this.#wanted = this.#between
    const change = this.#schema
    if (change === undefined) return true
    this.#schema = undefined
    if (change.before === undefined) {
      // It belongs to the session; what was not sent yet is sent with the next lease.
      if (!change.isSent) this.#putBack(change.name)
      return !change.isSent || change.isTaken
    }
    if (!change.isSent && !change.followsSent) return true
    // A statement has set another one since, and what statements do stays.
    const isOverridden = change.isTaken && connection !== undefined &&
      !isSameSchema(connection.currentSchema, change.name)
    if (!isOverridden) this.#putBack(change.before)
    return true
  }

  #putBack(schema: string | undefined): void {
    this.#pendingSchema = schema
    this.#isPendingSent = false
  }

  /** Why the calls of the lease cannot be made. */
  get problem(): OracleError | undefined {
    return this.#wanted.problem
  }

  /** Changes values until the end of the lease, and attributes beside those that are set. */
  merge(values: Partial<ContextValues>, attributes: ReadonlyMap<string, string> | undefined): void {
    this.#wanted = {
      problem: this.#wanted.problem,
      values: { ...this.#wanted.values, ...values },
      attributes: attributes === undefined
        ? this.#wanted.attributes
        : new Map([...this.#wanted.attributes ?? [], ...attributes])
    }
  }

  /** The current schema as far as it is known here; an empty text where it is not. */
  schemaOf(connection: DriverConnection): string {
    return this.#schema?.name ?? this.#pendingSchema ?? connection.currentSchema
  }

  /** Changes the schema until the end of the lease; `before` is the one that the session has. */
  setSchema(name: string, before: string): void {
    const last = this.#schema
    const followsSent = last !== undefined && (last.isSent || last.followsSent)
    this.#schema = { name, before: last?.before ?? before, isSent: false, isTaken: false, followsSent }
  }

  /** What was set so far, while the session was prepared, belongs to the session and its tag. */
  adoptSchema(): void {
    if (this.#schema !== undefined) this.#schema.before = undefined
  }

  /** Tells the driver, which sends it with the call that begins; gives whether there was anything to tell. */
  apply(connection: DriverConnection): boolean {
    const isPooled = this.#options.isPooledServer
    if (isPooled) this.forget()
    const hasSchema = this.applySchema(connection)
    if (
      this.#wanted.values === this.#sent && this.#wanted.attributes === undefined && this.#sentAttributes.size === 0
    ) {
      return hasSchema
    }
    const hasValues = this.#applyValues(connection)
    return this.#applyAttributes(connection) || hasValues || hasSchema
  }

  /** Tells the driver of the schema alone: for a call that still belongs to the work of the lease that has ended. */
  applySchema(connection: DriverConnection): boolean {
    const change = this.#schema
    if (change !== undefined && !change.isSent) {
      change.isSent = true
      this.#putBack(undefined)
      connection.currentSchema = change.name
      return true
    }
    if (this.#pendingSchema === undefined) return change !== undefined && !change.isTaken
    connection.currentSchema = this.#pendingSchema
    this.#isPendingSent = true
    return true
  }

  #applyValues(connection: DriverConnection): boolean {
    const { values } = this.#wanted
    if (values === this.#sent) return false
    const sent = this.#sent
    const now: { -readonly [F in ContextField]: string | undefined } = { ...(sent ?? values) }
    let isAny = false
    for (const field of fields) {
      const value = values[field]
      if (value === undefined || value === sent?.[field]) continue
      connection[properties[field]] = value
      now[field] = value
      isAny = true
    }
    this.#sent = fields.every((field) => now[field] === values[field]) ? values : now
    return isAny
  }

  #applyAttributes(connection: DriverConnection): boolean {
    const wanted = this.#wanted.attributes
    const { attributes: original } = this.#options
    const pairs: Array<{ readonly [name: string]: string }> = []
    for (const name of new Set([...this.#sentAttributes.keys(), ...wanted?.keys() ?? []])) {
      const first = original.get(name) ?? ""
      const value = wanted?.get(name) ?? first
      const sent = this.#sentAttributes.has(name) ? this.#sentAttributes.get(name) : first
      if (sent === value) continue
      pairs.push({ [name]: value })
      // An empty value takes the attribute away.
      if (value === first) this.#sentAttributes.delete(name)
      else this.#sentAttributes.set(name, value)
    }
    if (pairs.length > 0) connection.appContext(clientContext, pairs)
    return pairs.length > 0
  }

  /** The server has answered a call that told it something. */
  taken(schemaIsSettled: (() => void) | undefined): void {
    if (this.#schema?.isSent === true) this.#schema.isTaken = true
    if (this.#isPendingSent) this.#putBack(undefined)
    // A pooled server has to be told again whenever it has changed its session.
    if (!this.#options.isPooledServer) schemaIsSettled?.()
  }

  /** What the server has is unknown: a call that told it something has failed. */
  forget(): void {
    this.#sent = undefined
    for (const name of this.#sentAttributes.keys()) this.#sentAttributes.set(name, undefined)
    for (const name of this.#wanted.attributes?.keys() ?? []) this.#sentAttributes.set(name, undefined)
  }
}
