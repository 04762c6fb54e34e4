/** The parsed form of what is stored in PL/SQL: procedures, functions, packages, triggers, types. */
import type { OraError } from "../values/oraError.ts"
import type { Expr } from "./ast.ts"
import type { Declaration, PlsqlBlock, Subprogram } from "./astPlsql.ts"
import type { TypeBodyUnit, TypeSpecUnit } from "./astTypes.ts"

export type UnitType = "PROCEDURE" | "FUNCTION" | "PACKAGE" | "PACKAGE BODY" | "TRIGGER" | "TYPE" | "TYPE BODY"

interface SubprogramUnit {
  readonly kind: "subprogram"
  readonly subprogram: Subprogram
  /** AUTHID CURRENT_USER: names are those of the caller's schema. */
  readonly invoker: boolean
}

export interface PackageSpec {
  readonly kind: "packageSpec"
  readonly declarations: ReadonlyArray<Declaration>
  readonly invoker: boolean
}

export interface PackageBody {
  readonly kind: "packageBody"
  readonly declarations: ReadonlyArray<Declaration>
  /** What runs when a session first uses the package. */
  readonly initialization: PlsqlBlock | undefined
}

export type TriggerEvent = "INSERT" | "UPDATE" | "DELETE"

/** When a part of a trigger runs. */
export type TriggerPoint = "before statement" | "before row" | "after row" | "after statement" | "instead of row"

export interface TriggerUnit {
  readonly kind: "trigger"
  readonly timing: "BEFORE" | "AFTER" | "INSTEAD OF" | "COMPOUND"
  readonly events: ReadonlyArray<TriggerEvent>
  /** UPDATE OF: empty for all columns. */
  readonly columns: ReadonlyArray<string>
  readonly table: ReadonlyArray<string>
  readonly row: boolean
  /** The names that stand for `:new` and `:old`. */
  readonly correlation: { readonly new: string; readonly old: string }
  readonly enabled: boolean
  readonly follows: ReadonlyArray<ReadonlyArray<string>>
  readonly when: Expr | undefined
  readonly whenText: string | undefined
  /** Declared by a compound trigger for all its sections. */
  readonly declarations: ReadonlyArray<Declaration>
  readonly sections: ReadonlyArray<{ readonly point: TriggerPoint; readonly block: PlsqlBlock }>
  /** The text up to the body, and the body, as the dictionary shows them. */
  readonly description: string
  readonly body: string
}

export type UnitTree = SubprogramUnit | PackageSpec | PackageBody | TriggerUnit | TypeSpecUnit | TypeBodyUnit

/** The text of a unit, which begins at its kind: PROCEDURE, PACKAGE BODY and so on. */
export interface ParsedUnit {
  readonly type: UnitType
  readonly path: ReadonlyArray<string>
  readonly text: string
  /** Where its name stands. */
  readonly nameAt: number
  /** undefined when the text has an error of syntax; a trigger has one without sections when its head is good. */
  readonly tree: UnitTree | undefined
  readonly error: OraError | undefined
}

export type UnitDdl =
  | {
    readonly kind: "createUnit"
    readonly unit: ParsedUnit
    readonly replace: boolean
    readonly ifNotExists: boolean
    readonly at: number
  }
  | {
    readonly kind: "alterUnit"
    readonly type: UnitType
    readonly path: ReadonlyArray<string>
    readonly action: "compile" | "enable" | "disable"
    readonly at: number
  }
