/** What a lease tells the server: the fiber's `OracleContext`, that of the request over it, and the pool's defaults. */
import * as Context from "effect/Context"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import { OracleContext } from "../OracleContext.ts"
import type { OracleError } from "../OracleError.ts"
import type { ConnectSettings } from "./connectSettings.ts"
import { changesServerSession } from "./pooledServer.ts"
import { kindOf, refusal } from "./refusal.ts"
import type { ContextField, ContextValues, SessionContextOptions, WantedContext } from "./sessionContext.ts"

/** `v$session` holds 64 bytes of each. */
const mostBytes = 64

const nameBytes = 128
const valueBytes = 4000

/** Cuts a text to so many bytes, between two characters. */
export const cutToBytes = (text: string, most: number): string => {
  if (text.length * 3 <= most || Buffer.byteLength(text) <= most) return text
  let bytes = 0
  let cut = ""
  for (const character of text) {
    bytes += Buffer.byteLength(character)
    if (bytes > most) break
    cut += character
  }
  return cut
}

const labels: { readonly [F in ContextField]: string } = {
  clientIdentifier: "client identifier",
  clientInfo: "client info",
  operation: "operation",
  module: "module",
  action: "action",
  ecid: "execution context id"
}

const bad = (what: string, kind: string, value: unknown): OracleError =>
  refusal(
    "context",
    `The ${what} of a lease must be ${kind}, not ${kindOf(value)}. Nothing was sent.\n`
      + "Check what is provided as OracleContext, or as `context` of the request."
  )

const badText = (what: string, value: unknown): OracleError => bad(what, "a text", value)

const badObject = (what: string, value: unknown): OracleError => bad(what, "an object", value)

const isObject = (value: unknown): boolean => typeof value === "object" && value !== null

const tooLong = (what: string, bytes: number, most: number): OracleError =>
  refusal(
    "context",
    `The ${what} of a lease has ${bytes} bytes; Oracle holds ${most}. Nothing was sent, as cutting it could make two users one.\n`
      + "Use a shorter one, such as a key or a hash."
  )

/** A value that says who it is for is never cut. Gives the problem with it. */
const problemWith = (what: string, value: unknown, most: number): OracleError | undefined => {
  if (typeof value !== "string") return badText(what, value)
  if (value.length * 3 <= most) return undefined
  const bytes = Buffer.byteLength(value)
  return bytes > most ? tooLong(what, bytes, most) : undefined
}

const exact = ["clientIdentifier", "clientInfo", "ecid"] as const

/** The values that one context gives, and what is wrong with it. */
interface ReadContext {
  readonly values: Partial<ContextValues>
  readonly attributes: ReadonlyMap<string, string> | undefined
  readonly problem: OracleError | undefined
}

/** Reads what an application has given, which may be anything. */
export const readContext = (given: OracleContext): ReadContext => {
  if (!isObject(given)) return { values: {}, attributes: undefined, problem: badObject("context", given) }
  const values: { -readonly [F in ContextField]?: string } = {}
  let problem: OracleError | undefined
  for (const field of exact) {
    const value = given[field]
    if (value === undefined) continue
    problem ??= problemWith(labels[field], value, mostBytes)
    values[field] = value
  }
  if (given.operation !== undefined) {
    if (typeof given.operation !== "string") problem ??= badText(labels.operation, given.operation)
    values.operation = given.operation
  }
  for (const field of ["module", "action"] as const) {
    const value = given[field]
    if (value === undefined) continue
    if (value === false) values[field] = ""
    else if (typeof value === "string") values[field] = cutToBytes(value, mostBytes)
    else problem ??= badText(labels[field], value)
  }
  if (given.attributes === undefined) return { values, attributes: undefined, problem }
  if (!isObject(given.attributes)) {
    problem ??= badObject("attributes", given.attributes)
    return { values, attributes: undefined, problem }
  }
  const attributes = new Map<string, string>()
  for (const [name, value] of Object.entries(given.attributes)) {
    const what = `attribute ${JSON.stringify(cutToBytes(name, nameBytes))}`
    problem ??= name === ""
      ? refusal("context", "An attribute of a lease's context has no name. Nothing was sent.")
      : undefined
    problem ??= problemWith(`name of the ${what}`, name, nameBytes) ?? problemWith(what, value, valueBytes)
    attributes.set(name.toUpperCase(), value)
  }
  return { values, attributes, problem }
}

/** Spans that this package and the pool make themselves. */
const isOurs = (span: Tracer.Span): boolean =>
  span.name === "sessionpool.acquire" || span.attributes.get("db.system.name") === "oracle.db"

/** The name of the caller's innermost span; an empty text when there is none, or one of another process. */
const callerOf = (context: Context.Context<never>): string => {
  let span = Context.getOrUndefined(context, Tracer.ParentSpan)
  while (span?._tag === "Span" && isOurs(span)) span = Option.getOrUndefined(span.parent)
  return span?._tag === "Span" ? cutToBytes(span.name, mostBytes) : ""
}

/** The context where none was provided. */
const unprovided = Context.get(Context.empty(), OracleContext)

/** How a pool's leases are described. */
export class LeaseContexts {
  readonly #module: string | undefined
  readonly #keeps: boolean
  /** What most leases want: the same object each time, so that nothing is sent twice. */
  readonly #plain: WantedContext
  /** The same with the action of the last span. */
  #last: WantedContext

  constructor(options: { readonly module: string; readonly keeps: boolean }) {
    this.#keeps = options.keeps
    this.#module = options.keeps ? undefined : cutToBytes(options.module, mostBytes)
    this.#plain = { values: this.#valuesOf({}, ""), attributes: undefined }
    this.#last = this.#plain
  }

  /** What a new session is told to begin with. */
  ofSession(settings: ConnectSettings): SessionContextOptions {
    const opened = (settings.appContext ?? []).filter(([namespace]) => namespace.toUpperCase() === "CLIENTCONTEXT")
    return {
      keeps: this.#keeps,
      isPooledServer: changesServerSession(settings),
      attributes: new Map(opened.map(([, name, value]) => [name.toUpperCase(), value]))
    }
  }

  /** What a lease wants that a fiber with this context has asked for. */
  of(context: Context.Context<never>, requested: unknown): WantedContext {
    const provided = Context.get(context, OracleContext)
    const caller = this.#keeps ? "" : callerOf(context)
    if (provided === unprovided && requested === undefined) {
      if (this.#last.values.action !== caller && !this.#keeps) {
        this.#last = caller === "" ? this.#plain : { values: this.#valuesOf({}, caller), attributes: undefined }
      }
      return this.#last
    }
    const own = readContext(provided)
    if (requested === undefined) return this.#wanted(own, caller)
    const over = readContext(requested as OracleContext)
    return this.#wanted({
      values: { ...own.values, ...over.values },
      attributes: over.attributes === undefined
        ? own.attributes
        : new Map([...own.attributes ?? [], ...over.attributes]),
      problem: over.problem ?? own.problem
    }, caller)
  }

  #wanted({ attributes, problem, values }: ReadContext, caller: string): WantedContext {
    return { values: this.#valuesOf(values, caller), attributes, problem }
  }

  #valuesOf(values: Partial<ContextValues>, caller: string): ContextValues {
    return {
      clientIdentifier: values.clientIdentifier ?? "",
      clientInfo: values.clientInfo ?? "",
      operation: values.operation ?? "",
      module: values.module ?? this.#module,
      action: values.action ?? (this.#keeps ? undefined : caller),
      ecid: values.ecid ?? ""
    }
  }
}
