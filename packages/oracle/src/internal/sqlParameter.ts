/** Parameters of statements that are more than a value, and what every parameter becomes on the way to the driver. */
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Statement from "effect/sql/Statement"
import * as OracleBind from "../OracleBind.ts"
import * as OracleInterval from "../OracleInterval.ts"
import { OracleLob } from "../OracleLob.ts"
import type { LobKind, LobSource } from "./lobWriter.ts"
import { mostBinds } from "./sqlPieces.ts"
import { StatementError } from "./statementError.ts"

/** A LOB that is written before the statement runs. */
export interface LobParameter {
  readonly _tag: "LobParameter"
  readonly kind: LobKind
  readonly source: LobSource<unknown, never>
}

/** A value that the statement gives, under the name that it has in the row. */
export interface OutParameter {
  readonly _tag: "OutParameter"
  readonly name: string
  readonly bind: OracleBind.OutBind<OracleBind.AnyType> | OracleBind.InOutBind<OracleBind.AnyType>
}

/** A value that goes in as a type of its own. */
interface TypedParameter {
  readonly _tag: "TypedParameter"
  readonly bind: OracleBind.InBind
}

/** A document, as JSON or as its text where the database has no JSON type. */
interface JsonParameter {
  readonly _tag: "JsonParameter"
  readonly value: unknown
}

type OracleParameter = LobParameter | OutParameter | TypedParameter | JsonParameter

/** A statement that runs once for each of its rows of binds, in one round trip. */
export interface BatchStatement {
  readonly sql: string
  readonly rows: ReadonlyArray<ReadonlyArray<unknown>>
}

/** An insert of several rows as batches of binds, which together are one statement: all of it is done or nothing. */
export class BatchParameter {
  readonly statements: ReadonlyArray<BatchStatement>

  constructor(statements: ReadonlyArray<BatchStatement>) {
    this.statements = statements
  }

  get size(): number {
    return this.statements.reduce((sum, { rows }) => sum + rows.length, 0)
  }
}

/** Of what kind a value is as a bind: values of two kinds cannot be in one column of a batch or of a query. */
export const kindOf = (value: unknown): string => {
  if (typeof value === "number" || typeof value === "bigint") return "number"
  if (typeof value !== "object" || value === null) return typeof value
  if (value instanceof Date) return "date"
  if (value instanceof Uint8Array) return "bytes"
  if (BigDecimal.isBigDecimal(value)) return "number"
  if (isParameter(value)) return value._tag === "JsonParameter" ? "json" : `parameter ${value._tag}`
  if (OracleBind.isDescribed(value)) {
    const { type } = value
    return `described ${typeof type === "string" ? type : "name" in type ? type.name : type.element}`
  }
  if (DateTime.isDateTime(value)) return "dateTime"
  if (value instanceof OracleLob) return "lob"
  if (Duration.isDuration(value)) return "duration"
  if (OracleInterval.isYearMonth(value)) return "months"
  return ArrayBuffer.isView(value) ? "vector" : "json"
}

const kind = "OracleParameter"

interface OracleCustom extends Statement.Custom<typeof kind, OracleParameter, void, void> {}

const makeCustom = Statement.custom<OracleCustom>(kind)

export const fragmentOf = (parameter: OracleParameter): Statement.Fragment =>
  Statement.fragment([makeCustom(parameter, undefined, undefined)])

export const isParameter = (u: unknown): u is OracleParameter =>
  Predicate.hasProperty(u, "_tag")
  && (u._tag === "LobParameter" || u._tag === "OutParameter" || u._tag === "TypedParameter"
    || u._tag === "JsonParameter")

/** What the database can take. */
export interface Abilities {
  /** BOOLEAN in SQL: 23ai and later. */
  readonly booleans: boolean
  /** The type JSON: 21c and later. */
  readonly json: boolean
  /** Several rows after VALUES: 23ai and later. */
  readonly multiRowValues: boolean
  /** How many values a list after IN can have. */
  readonly longestList: number
}

/** What a server of a version can take; of an unknown one, what every server can. */
export const abilitiesOf = (serverVersion: string | undefined): Abilities => {
  const major = serverVersion === undefined ? 0 : Number.parseInt(serverVersion, 10)
  return {
    booleans: major >= 23,
    json: major >= 21,
    multiRowValues: major >= 23,
    longestList: major >= 23 ? mostBinds : 1000
  }
}

const isDocument = (value: unknown): boolean =>
  Array.isArray(value)
  || (Predicate.isObject(value) && (Object.getPrototypeOf(value) === Object.prototype
    || Object.getPrototypeOf(value) === null))

const json = (value: unknown, abilities: Abilities): OracleBind.Bind =>
  abilities.json ? OracleBind.input("json", value) : JSON.stringify(value)

/** Values that are binds as they are. */
const isBindable = (value: object): value is OracleBind.Bind & object =>
  OracleBind.isDescribed(value) || value instanceof OracleLob || value instanceof Date || ArrayBuffer.isView(value)
  || DateTime.isDateTime(value) || BigDecimal.isBigDecimal(value) || Duration.isDuration(value)
  || OracleInterval.isYearMonth(value)

/** What a value is called in a message. */
const named = (value: unknown): string => {
  if (typeof value === "function") return "a function"
  if (typeof value === "symbol") return "a symbol"
  if (Effect.isEffect(value)) return "an effect, which has to be run first (yield*)"
  if (Redacted.isRedacted(value)) return "a Redacted value: use Redacted.value to send what it holds"
  const name: unknown = typeof value === "object" && value !== null ? value.constructor?.name : undefined
  return `an object of the class ${typeof name === "string" && name !== "" ? name : "unknown"}`
}

/**
 * The bind of a parameter; `written` are the LOBs that were made for the statement, `where` says which parameter it is, for what
 * cannot be one.
 */
export const bindOf = (
  value: unknown,
  abilities: Abilities,
  written: ReadonlyMap<LobParameter, OracleLob>,
  where: () => string
): OracleBind.Bind => {
  switch (typeof value) {
    case "undefined":
      return null
    case "string":
    case "number":
    case "bigint":
      return value
    case "boolean":
      return abilities.booleans ? value : value ? 1 : 0
    case "object": {
      if (value === null) return null
      if (isParameter(value)) {
        switch (value._tag) {
          case "LobParameter":
            return written.get(value) ?? null
          case "JsonParameter":
            return json(value.value, abilities)
          default:
            return value.bind
        }
      }
      if (isBindable(value)) return value
      if (isDocument(value)) return json(value, abilities)
    }
  }
  throw new StatementError(
    `${where()} is ${
      named(value)
    }. Parameters are texts, numbers, booleans, dates, bytes, plain objects and arrays (as JSON), `
      + "and what OracleClient and OracleBind describe"
  )
}
