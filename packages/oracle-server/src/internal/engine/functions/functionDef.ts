/** What a SQL function is to the compiler: its parameters, its result and how it runs. */
import type { Stored } from "../values/composite.ts"
import type { SqlType } from "../values/dataTypes.ts"
import type { SessionState } from "../values/sessionState.ts"
import type { Kind } from "../values/sqlType.ts"

/** What an argument is converted to: a kind, a whole JavaScript number (`int`), or the value as it is (`any`). */
type Param = Kind | "int" | "any"

export interface FunctionDef {
  readonly params: ReadonlyArray<Param>
  /** How many of them are required; all when absent. */
  readonly min?: number
  /** More of this kind may follow. */
  readonly rest?: Param
  readonly returns: SqlType | ((args: ReadonlyArray<SqlType>) => SqlType)
  /** Called with null arguments too; otherwise one null argument makes the result null. */
  readonly nulls?: boolean
  readonly run: (session: SessionState, ...args: ReadonlyArray<never>) => Stored
  /** The same in pieces of about a millisecond, for what may take long. */
  readonly pieces?: (session: SessionState, ...args: ReadonlyArray<never>) => Pieces<Stored>
}

/** Work that can be left between any two of its pieces. */
export type Pieces<A> = Generator<undefined, A, void>

export type FunctionTable = { readonly [name: string]: FunctionDef }

/** Types the arguments of `run` without a cast at each of them. */
export const define = <Args extends ReadonlyArray<unknown>>(
  def: Omit<FunctionDef, "run"> & { readonly run: (session: SessionState, ...args: Args) => Stored }
): FunctionDef => def as unknown as FunctionDef

const whole = <A>(work: Pieces<A>): A => {
  for (;;) {
    const next = work.next()
    if (next.done === true) return next.value
  }
}

/** A function that may take long. */
export const defineInPieces = <Args extends ReadonlyArray<unknown>>(
  def: Omit<FunctionDef, "run" | "pieces"> & { readonly pieces: (...args: Args) => Pieces<Stored> }
): FunctionDef =>
  ({
    ...def,
    pieces: (_: SessionState, ...args: Args) => def.pieces(...args),
    run: (_: SessionState, ...args: Args) => whole(def.pieces(...args))
  }) as unknown as FunctionDef
