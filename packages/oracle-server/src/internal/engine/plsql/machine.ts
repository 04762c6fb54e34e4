/** What the parts of PL/SQL know of each other: a running block, through which they call each other, and its session. */
import type { Package, Unit as StoredUnit } from "../catalog/units.ts"
import type { Routine } from "../compile/compilation.ts"
import type { Procedure } from "../engine.ts"
import type { QueryCursor } from "../execute/queryCursor.ts"
import type { Transaction } from "../storage/transaction.ts"
import type { Step } from "../storage/waiting.ts"
import type { Call, Expr, Query, TypeSpec } from "../syntax/ast.ts"
import type { PlsqlBlock, PlsqlStatement } from "../syntax/astPlsql.ts"
import type { Dml } from "../syntax/astStatements.ts"
import type { Stored } from "../values/composite.ts"
import type { ObjectType, SqlType } from "../values/dataTypes.ts"
import type { OraError } from "../values/oraError.ts"
import type { SessionState } from "../values/sessionState.ts"
import type { Candidate, Entry, Environment, SubprogramEntry } from "./environment.ts"
import type { ObjectMethod } from "./methods.ts"
import type { NativeHost } from "./native.ts"
import type { Program, Unit, UnitProgram } from "./program.ts"
import type { Typed } from "./typed.ts"

/** How a statement left its sequence. */
export type Leave =
  | { readonly kind: "exit" | "continue"; readonly label: string | undefined }
  | { readonly kind: "return"; readonly value: Typed | undefined }
  | { readonly kind: "goto"; readonly label: string }
  | undefined

/** What the attributes of SQL tell. */
export interface SqlState {
  /** SQL%ROWCOUNT; undefined before the first statement. */
  rowCount: number | undefined
  /** SQL%BULK_ROWCOUNT: rows of each iteration of a FORALL. */
  bulkCounts: ReadonlyMap<number, number>
  /** SQL%BULK_EXCEPTIONS. */
  bulkErrors: ReadonlyArray<{ readonly index: number; readonly code: number }>
}

/** What a call can mean. */
export type Callee =
  | { readonly kind: "subprogram"; readonly candidate: Candidate }
  | { readonly kind: "registered"; readonly procedure: Procedure }

/** The stored units as one session has them. */
export interface Units {
  /** What a name means beyond the blocks around it. */
  readonly outside: (name: string) => Entry | undefined
  /** Where an anonymous block finds the names that it does not declare. */
  readonly root: Environment
  /** Packages that were named and have not been set up yet. */
  readonly pending: ReadonlyArray<unknown>
  /** Set by the room that serves SQL. */
  routineOf: (
    path: ReadonlyArray<string>,
    entry: SubprogramEntry,
    args: ReadonlyArray<SqlType>,
    names: ReadonlyArray<string | undefined>
  ) => Routine | undefined
  /** Compiles what has become invalid; an error when it cannot be. */
  readonly ensure: (unit: StoredUnit) => void
  /** Whether it is without errors, compiled again if it has become invalid. */
  readonly isGood: (unit: StoredUnit) => boolean
  /** Finds what is wrong with a unit, and what it depends on. */
  readonly compile: (unit: StoredUnit) => void
  readonly programOf: (unit: StoredUnit, invoker: boolean) => UnitProgram
  /** What runs the code of a unit in this session. */
  readonly machineOf: (program: UnitProgram) => Machine
  /** The names that the code of a unit begins with. */
  readonly scopeOf: (unit: StoredUnit, invoker: boolean) => Environment
  /** Where the body of a package stands: within its specification, whose subprograms it completes. */
  readonly bodyScope: (pkg: Package, spec: Environment) => Environment
  /** Names of a specification for the compilation of its body. */
  readonly specScope: (pkg: Package) => Environment
  /** Sets up the packages that were named: their variables get their first values. */
  readonly elaborate: () => Step<void>
  /** The error for a subprogram that is declared and has no body. */
  readonly withoutBody: (program: UnitProgram | undefined, name: string) => OraError
  /** The session begins anew: no package of it has state. */
  readonly forget: () => void
}

/** What PL/SQL keeps for as long as the session. */
export interface PlsqlHost extends NativeHost {
  readonly units: Units
  /** Registers a cursor that leaves the block with the session. */
  readonly keepCursor: (cursor: QueryCursor) => void
  /** The methods of an object type by their name. */
  readonly methods: (type: ObjectType, name: string) => ReadonlyArray<ObjectMethod>
  /** The stored units whose code runs, the outermost first. */
  readonly stack: Array<string>
  implicitResults: Array<QueryCursor>
}

/** One running block. */
export interface Machine {
  readonly host: PlsqlHost
  readonly session: SessionState
  readonly program: Program
  readonly bindTypes: ReadonlyArray<SqlType>
  readonly binds: Array<Stored>
  readonly bindCursors: Map<number, QueryCursor>
  /** Index-by table binds: they pass through to procedures as they are. */
  readonly bindArrays: Map<number, ReadonlyArray<Stored>>
  /** How many elements fit in each of them. */
  readonly bindRooms: Map<number, number>
  readonly sql: SqlState
  /** The stored unit whose code it runs; undefined for an anonymous block. */
  readonly home: UnitProgram | undefined
  unit: Unit
  /** The run of a pipelined function: what its rows are, the last one, and the transaction of the query that takes them. */
  pipe: { readonly element: SqlType; readonly transaction: Transaction; value: Stored } | undefined
  readonly evaluate: (expr: Expr, env: Environment) => Step<Typed>
  readonly test: (expr: Expr, env: Environment) => Step<boolean>
  /** Assigns to a variable, a field, an element, a bind or a cursor variable. */
  readonly store: (target: Expr, value: Typed, env: Environment) => Step<void>
  readonly block: (block: PlsqlBlock, parent: Environment) => Step<Leave>
  readonly statements: (list: ReadonlyArray<PlsqlStatement>, env: Environment) => Step<Leave>
  readonly call: (call: Call, env: Environment) => Step<Typed | undefined>
  /** Runs what the name of a call was found to mean. */
  readonly invoke: (call: Call, callee: Callee, env: Environment) => Step<Typed | undefined>
  readonly openQuery: (query: Query, env: Environment) => Step<QueryCursor>
  readonly dml: (statement: Dml, env: Environment) => Step<number>
  /** Says that so many elements were copied or made: a look at the clock comes the sooner. */
  readonly spend: (elements: number) => void
  /** Gives the event loop a turn now and then. */
  readonly breathe: () => Step<void>
  readonly integer: (expr: Expr, env: Environment) => Step<number>
  /** The static type of an expression; undefined for what has none. */
  readonly expressionType: (expr: Expr, env: Environment) => SqlType | undefined
  /** A function that a statement of SQL in this text calls. */
  readonly functionInSql: (
    path: ReadonlyArray<string>,
    entry: SubprogramEntry,
    args: ReadonlyArray<SqlType>,
    names: ReadonlyArray<string | undefined>
  ) => Routine | undefined
  /** The type a declaration names, in this place. */
  readonly typeOf: (spec: TypeSpec, env: Environment) => SqlType
  readonly fail: (error: OraError) => never
}

/** The compiled parts; a definition within the block makes those before it stale. */
export const partsOf = (machine: Machine): WeakMap<object, unknown> => {
  const { program } = machine
  const { version } = machine.host.core.catalog
  if (program.version !== version) {
    program.version = version
    program.compiled = new WeakMap()
  }
  return program.compiled
}
