/** `onSession` from a table: which statement brings about each property of a tag. */
import { PoolError, SessionTag } from "@sessionpool/core"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { OracleConnection, ReadError } from "../OracleConnection.ts"

/**
 * The value of a tag's property, in the forms in which it can stand in a statement.
 *
 * **Details**
 *
 * `literal` is a text literal, its quotation marks doubled. `name` is the name of a schema or another object, quoted: `hr` is
 * `"HR"` as anywhere in SQL, and `"Hr"` with its own quotation marks is kept. `word` is a keyword or a number as it is. A value
 * that cannot be a name or a word is refused with `InvalidTagError` when that form is asked for. `text` is the value itself, for
 * comparisons only.
 *
 * **Example** (A role from a tag)
 *
 * ```ts
 * import type { OracleSessionPool } from "@sessionpool/oracle"
 *
 * const role = (value: OracleSessionPool.TagValue) => `set role ${value.name}`
 * ```
 */
export interface TagValue {
  readonly text: string
  readonly literal: string
  readonly name: string
  readonly word: string
}

/**
 * What brings about a property: the parameter of ALTER SESSION that takes its value, or the statements for it.
 *
 * **Example** (A parameter and a statement)
 *
 * ```ts
 * import type { OracleSessionPool } from "@sessionpool/oracle"
 *
 * const byParameter: OracleSessionPool.TagStatement = "NLS_DATE_FORMAT"
 * const byStatement: OracleSessionPool.TagStatement = ({ name }) => `set role ${name}`
 * ```
 */
export type TagStatement = string | ((value: TagValue) => string | ReadonlyArray<string>)

/**
 * One property of the table. With a `default`, a session whose tag has the property is put back to that value when a request does not
 * name it; without one the property stays, and so does its place in the tag.
 *
 * **Example** (A property with a default)
 *
 * ```ts
 * import type { OracleSessionPool } from "@sessionpool/oracle"
 *
 * const property: OracleSessionPool.TagProperty = { set: "TIME_ZONE", default: "UTC" }
 * ```
 */
export type TagProperty = TagStatement | { readonly set: TagStatement; readonly default?: string | undefined }

type Failure = ReadError | PoolError.InvalidTagError

/** Parameters whose values are names, and those whose values are keywords. All others take literals. */
const named: ReadonlySet<string> = new Set(["CURRENT_SCHEMA", "EDITION", "CONTAINER"])
const worded: ReadonlySet<string> = new Set(["ISOLATION_LEVEL", "CONSTRAINT", "CONSTRAINTS", "ERROR_ON_OVERLAP_TIME"])
/** Parameters that have a statement to themselves. */
const alone: ReadonlySet<string> = new Set(["EDITION", "CONTAINER"])

class Unfit {
  readonly problem: string

  constructor(problem: string) {
    this.problem = problem
  }
}

const valueOf = (property: string, text: string): TagValue => ({
  text,
  get literal() {
    return `'${text.replaceAll("'", "''")}'`
  },
  get name() {
    if (/^"[^"\0]{1,128}"$/.test(text)) return text
    if (/^[\p{L}][\p{L}\p{N}_$#]{0,127}$/u.test(text)) return `"${text.toUpperCase()}"`
    throw new Unfit(`the value of ${property} must be a name, not ${JSON.stringify(text)}`)
  },
  get word() {
    if (/^(?:[A-Za-z][\w$#]*(?: [A-Za-z][\w$#]*)*|\d+)$/.test(text)) return text
    throw new Unfit(`the value of ${property} must be a keyword or a number, not ${JSON.stringify(text)}`)
  }
})

/** The statements for some properties; parameters of ALTER SESSION share one, as each is a round trip. */
const statementsFor = (
  table: ReadonlyMap<string, TagProperty>,
  changes: ReadonlyArray<readonly [property: string, value: string]>
): ReadonlyArray<string> => {
  const settings: Array<string> = []
  const statements: Array<string> = []
  for (const [property, text] of changes) {
    const entry = table.get(property)
    if (entry === undefined) {
      throw new Unfit(`tagState has no statement for ${property}; it knows ${[...table.keys()].join(", ")}`)
    }
    const set = typeof entry === "object" ? entry.set : entry
    const value = valueOf(property, text)
    if (typeof set === "function") {
      const made = set(value)
      statements.push(...(typeof made === "string" ? [made] : made))
      continue
    }
    const parameter = set.toUpperCase()
    if (!/^[A-Z_][\w$]*$/.test(parameter)) {
      throw new Unfit(`${JSON.stringify(set)}, named for ${property}, is not a parameter of ALTER SESSION`)
    }
    const written = named.has(parameter) ? value.name : worded.has(parameter) ? value.word : value.literal
    if (alone.has(parameter)) statements.push(`alter session set ${parameter} = ${written}`)
    else settings.push(`${parameter} = ${written}`)
  }
  return settings.length === 0 ? statements : [`alter session set ${settings.join(" ")}`, ...statements]
}

const propertiesOf = (tag: string | undefined): ReadonlyMap<string, string> =>
  Result.match(SessionTag.parse(tag ?? ""), {
    onFailure: () => new Map<string, string>(),
    onSuccess: ({ properties }) => properties
  })

/**
 * Makes an `onSession` that puts sessions in the state that their tag names.
 *
 * **When to use**
 *
 * Use it in place of an `onSession` that builds `ALTER SESSION` statements by hand: values are quoted here, and only what
 * differs from the session's tag is sent.
 *
 * **Details**
 *
 * The table says for each property which parameter of ALTER SESSION takes its value, or which statements bring it about. All
 * parameters go in one statement. A session that is in the right state already costs no round trip. Afterwards the session's tag
 * names what it is in: the properties asked for, and those that it had and that nothing has put back.
 *
 * It fails with `InvalidTagError` for a property that the table does not have, and for a value that cannot be the name or
 * keyword that its statement needs; nothing is sent then. When a statement fails, the session is closed, as after any
 * `onSession` that fails.
 *
 * **Example** (Time zone and schema)
 *
 * ```ts
 * import { OracleSessionPool } from "@sessionpool/oracle"
 * import { Redacted } from "effect"
 *
 * const PoolLive = OracleSessionPool.layer({
 *   connectString: "localhost/FREEPDB1",
 *   user: "scott",
 *   password: Redacted.make("tiger"),
 *   onSession: OracleSessionPool.tagState({
 *     SCHEMA: "CURRENT_SCHEMA",
 *     TIME_ZONE: { set: "TIME_ZONE", default: "UTC" },
 *     ROLE: ({ name }) => `set role ${name}`
 *   })
 * })
 * ```
 */
export const tagState = (table: { readonly [property: string]: TagProperty }) => {
  const entries = new Map(Object.entries(table))
  return (
    connection: OracleConnection,
    info: { readonly requestedTag: string | undefined }
  ): Effect.Effect<void, Failure> => {
    if (info.requestedTag === undefined) return Effect.void
    const wanted = propertiesOf(info.requestedTag)
    const present = propertiesOf(connection.tag)
    const changes = [...wanted].filter(([property, value]) => present.get(property) !== value)
    const kept = new Map(wanted)
    for (const [property, value] of present) {
      if (wanted.has(property)) continue
      const entry = entries.get(property)
      const back = typeof entry === "object" ? entry.default : undefined
      if (back === undefined) kept.set(property, value)
      else changes.push([property, back])
    }
    const tag = [...kept].map(([property, value]) => `${property}=${value}`).join(";")
    return Effect.suspend((): Effect.Effect<void, Failure> => {
      let statements: ReadonlyArray<string>
      try {
        statements = statementsFor(entries, changes)
      } catch (thrown) {
        if (!(thrown instanceof Unfit)) throw thrown
        const { problem } = thrown
        return Effect.fail(
          new PoolError.InvalidTagError({ pool: connection.lease.pool, tag: info.requestedTag ?? "", problem })
        )
      }
      return Effect.andThen(
        Effect.forEach(statements, (sql) => connection.execute(sql), { discard: true }),
        connection.setTag(tag)
      )
    })
  }
}
