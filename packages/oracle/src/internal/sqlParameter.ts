/** Parameters of statements that are more than a value, and what every parameter becomes on the way to the driver. */
import * as Predicate from "effect/Predicate"
import * as Statement from "effect/sql/Statement"
import * as OracleBind from "../OracleBind.ts"
import { OracleLob } from "../OracleLob.ts"
import type { LobKind, LobSource } from "./lobWriter.ts"

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
  readonly bind: OracleBind.OutBind<OracleBind.BindType> | OracleBind.InOutBind<OracleBind.BindType>
}

/** A value that goes in as a type of its own. */
export interface TypedParameter {
  readonly _tag: "TypedParameter"
  readonly bind: OracleBind.InBind
}

/** A document, as JSON or as its text where the database has no JSON type. */
export interface JsonParameter {
  readonly _tag: "JsonParameter"
  readonly value: unknown
}

export type OracleParameter = LobParameter | OutParameter | TypedParameter | JsonParameter

/** The rows of an insert that runs once for each of them, in one round trip. */
export class BatchParameter {
  readonly rows: ReadonlyArray<ReadonlyArray<unknown>>

  constructor(rows: ReadonlyArray<ReadonlyArray<unknown>>) {
    this.rows = rows
  }
}

const kind = "OracleParameter"

export interface OracleCustom extends Statement.Custom<typeof kind, OracleParameter, void, void> {}

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
}

export const abilitiesOf = (serverVersion: string): Abilities => {
  const major = Number.parseInt(serverVersion, 10)
  return { booleans: major >= 23, json: major >= 21, multiRowValues: major >= 23 }
}

const isDocument = (value: unknown): boolean =>
  Array.isArray(value)
  || (Predicate.isObject(value) && (Object.getPrototypeOf(value) === Object.prototype
    || Object.getPrototypeOf(value) === null))

const json = (value: unknown, abilities: Abilities): OracleBind.Bind =>
  abilities.json ? OracleBind.input("json", value) : JSON.stringify(value)

/** The bind of a parameter; `written` are the LOBs that were made for the statement. */
export const bindOf = (
  value: unknown,
  abilities: Abilities,
  written: ReadonlyMap<LobParameter, OracleLob>
): OracleBind.Bind => {
  if (value === undefined || value === null) return null
  if (typeof value === "boolean") return abilities.booleans ? value : value ? 1 : 0
  if (typeof value !== "object") return value as OracleBind.Bind
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
  if (OracleBind.isDescribed(value) || value instanceof OracleLob) return value
  return isDocument(value) ? json(value, abilities) : value as OracleBind.Bind
}
