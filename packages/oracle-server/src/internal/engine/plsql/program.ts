/** The text of a block or of a stored unit, with the compiled parts of it, and the place that runs now. */
import type { SqlType } from "../values/dataTypes.ts"

/** Compiled expressions and statements of one text, by node. */
export interface Program {
  readonly sql: string
  /** The state of the catalog that the parts were compiled for. */
  version: number
  readonly schema: string
  /** The key of the rights that the parts were compiled with, where they may differ. */
  readonly rights?: string
  compiled: WeakMap<object, unknown>
  /** The types that its declarations make: they stay the same for as long as it runs. */
  readonly types: WeakMap<object, SqlType>
}

export const newProgram = (sql: string, version: number, schema: string): Program => ({
  sql,
  version,
  schema,
  compiled: new WeakMap(),
  types: new WeakMap()
})

/** The program of a stored unit. */
export interface UnitProgram extends Program {
  /** `OWNER.NAME`, as the stack of an error gives it. */
  readonly name: string
  /** Of the specification of a package: what it declares may be used from everywhere. */
  readonly isSpec: boolean
  /** Lines before the one that counts as the first: those of a trigger are counted from its body. */
  readonly linesBefore: number
  readonly owner: string
  /** AUTHID CURRENT_USER: names are looked up in the caller's schema. */
  readonly invoker: boolean
}

/** One run of a text in which statements stand: error stacks tell its lines. */
export interface Unit {
  /** `OWNER.NAME`; undefined for an anonymous block. */
  readonly name: string | undefined
  readonly sql: string
  /** Where the statement that runs now begins. */
  at: number
  readonly linesBefore?: number
}
