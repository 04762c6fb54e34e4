/** Subprograms written in TypeScript, and all that they may ask of the session and the block that call them. */
import type { Unit } from "../catalog/units.ts"
import type { Core } from "../statements/core.ts"
import type { Executor } from "../statements/executor.ts"
import type { Step } from "../storage/waiting.ts"
import type { Stored } from "../values/composite.ts"
import type { OraError } from "../values/oraError.ts"
import type { SessionState } from "../values/sessionState.ts"
import type { Typed } from "./typed.ts"

/** Runs a block that a text holds, with values by position; gives those values as they are afterwards. */
export type RunDynamic = (
  sql: string,
  binds: Array<Typed>,
  outs: ReadonlyArray<boolean>
) => Step<ReadonlyArray<Typed>>

/** The session, as far as a native subprogram deals with it. */
export interface NativeHost {
  readonly core: Core
  readonly executor: Executor
  /** The buffer of DBMS_OUTPUT. */
  outputEnabled: boolean
  readonly put: (text: string) => void
  readonly newLine: () => void
  /** undefined when no line is left. */
  readonly takeLine: () => string | undefined
  readonly disable: () => void
  /** The stored units that led here, the nearest first. */
  readonly callers: () => ReadonlyArray<string>
  readonly runDynamic: RunDynamic
  readonly units: {
    /** Finds what is wrong with a unit, and what it depends on. */
    readonly compile: (unit: Unit) => void
    /** The session begins anew: no package of it has state. */
    readonly forget: () => void
  }
}

/** What calls a native subprogram. */
export interface Caller {
  readonly host: NativeHost
  readonly session: SessionState
}

/**
 * A subprogram written in TypeScript: it gets the values of its parameters by name and leaves there what it gives out.
 * `scope` is the one of the call, with the error that a handler there is dealing with.
 */
export type Native = (
  caller: Caller,
  args: Record<string, Stored>,
  scope: { readonly handling: OraError | undefined }
) => Stored | void | Step<Stored | void>

/** A package of the system: its specification in PL/SQL, and its subprograms by their names there. */
export interface SystemPackage {
  readonly spec: string
  readonly natives: Readonly<Record<string, Native>>
}
