/** Names of a running block: variables, types, cursors, exceptions, subprograms; beyond them the stored units. */
import type { Query } from "../syntax/ast.ts"
import type { Parameter, Subprogram } from "../syntax/astPlsql.ts"
import type { Stored } from "../values/composite.ts"
import type { SqlType } from "../values/dataTypes.ts"
import type { OraError } from "../values/oraError.ts"
import type { Native } from "./native.ts"
import type { UnitProgram } from "./program.ts"
import type { CursorCell } from "./typed.ts"

/** A variable of any type: records and collections are values too. */
export interface Variable {
  readonly kind: "variable"
  readonly type: SqlType
  readonly constant: boolean
  readonly notNull: boolean
  value: Stored
  /** For a LOB that was read from a row: writes a change of it back. */
  persist?: ((data: Stored) => void) | undefined
}

/** A declared cursor, or a REF CURSOR variable. */
export interface CursorVariable {
  readonly kind: "cursor"
  readonly query: Query | undefined
  readonly parameters: ReadonlyArray<Parameter>
  /** Where it was declared: its query's names are looked up there. */
  readonly environment: Environment | undefined
  cell: CursorCell
}

interface ExceptionName {
  readonly kind: "exception"
  code: number
}

/** One subprogram of a name; its body may come later than its declaration. */
export interface Candidate {
  readonly declared: Subprogram
  /** Where the defaults of its parameters are evaluated. */
  readonly scope: Environment
  implementation: Subprogram | undefined
  /** Where its body finds its names. */
  environment: Environment
  readonly native: Native | undefined
}

/** All subprograms of one name. */
export interface SubprogramEntry {
  readonly kind: "subprogram"
  readonly candidates: Array<Candidate>
}

/** A declared type: of records, collections, a subtype; `CURSOR` for a REF CURSOR. */
interface TypeName {
  readonly kind: "type"
  readonly type: SqlType
  /** Of a subtype. */
  readonly notNull: boolean
}

/** A package: what its specification declares. */
export interface PackageEntry {
  readonly kind: "package"
  readonly environment: Environment
}

interface SchemaEntry {
  readonly kind: "schema"
  readonly member: (name: string) => Entry | undefined
}

export type Entry =
  | Variable
  | CursorVariable
  | ExceptionName
  | SubprogramEntry
  | TypeName
  | PackageEntry
  | SchemaEntry

export class Environment {
  readonly parent: Environment | undefined
  /** A block's label, a subprogram's or a package's name: it may stand before the names declared there. */
  readonly label: string | undefined
  /** The stored unit that the names belong to. */
  readonly unit: UnitProgram | undefined
  readonly #names = new Map<string, Entry>()
  readonly #outside: ((name: string) => Entry | undefined) | undefined
  /** The error a handler is dealing with: SQLCODE, SQLERRM, RAISE. */
  handling: OraError | undefined

  constructor(
    parent: Environment | undefined,
    label?: string,
    root?: { readonly unit?: UnitProgram; readonly outside?: (name: string) => Entry | undefined }
  ) {
    this.parent = parent
    this.label = label
    this.unit = root?.unit ?? parent?.unit
    this.#outside = root?.outside
    this.handling = parent?.handling
  }

  declare(name: string, entry: Entry): void {
    this.#names.set(name, entry)
  }

  /** What this very scope declares. */
  own(name: string): Entry | undefined {
    return this.#names.get(name)
  }

  entries(): Iterable<readonly [string, Entry]> {
    return this.#names
  }

  /** What the scopes around declare; stored units are not looked at. */
  local(name: string): Entry | undefined {
    return this.#names.get(name) ?? this.parent?.local(name)
  }

  find(name: string): Entry | undefined {
    return this.#names.get(name) ?? this.#outside?.(name) ?? this.parent?.find(name)
  }

  /** The names of the block with this label. */
  #labeled(label: string): Environment | undefined {
    return this.label === label ? this : this.parent === undefined ? undefined : this.parent.#labeled(label)
  }

  /** What exactly this path names: `name`, `label.name`, `package.name`, `schema.package.name`. */
  lookup(path: ReadonlyArray<string>): Entry | undefined {
    if (path.length === 1) return this.find(path[0]!)
    let entry: Entry | undefined = this.local(path[0]!)
    let next = 1
    if (entry === undefined || entry.kind === "subprogram") {
      const inner = this.#labeled(path[0]!)?.own(path[1]!)
      if (inner !== undefined) {
        entry = inner
        next = 2
      }
    }
    entry ??= this.find(path[0]!)
    for (; next < path.length && entry !== undefined; next++) {
      entry = entry.kind === "package"
        ? entry.environment.own(path[next]!)
        : entry.kind === "schema"
        ? entry.member(path[next]!)
        : undefined
    }
    return entry
  }

  /** The variable that exactly this path names. */
  variable(path: ReadonlyArray<string>): Variable | undefined {
    const entry = this.lookup(path)
    return entry?.kind === "variable" ? entry : undefined
  }

  /** The variable that a path begins with, and the names after it. */
  headOf(
    path: ReadonlyArray<string>
  ): { readonly variable: Variable; readonly rest: ReadonlyArray<string> } | undefined {
    for (let length = 1; length <= path.length && length <= 3; length++) {
      const variable = this.variable(length === path.length ? path : path.slice(0, length))
      if (variable === undefined) continue
      if (length === path.length) return { variable, rest: [] }
      if (variable.type.composite !== undefined) return { variable, rest: path.slice(length) }
    }
    return undefined
  }
}
