/** Names of a running block: variables, types, cursors, exceptions, subprograms. */
import type { QueryCursor } from "../execute/queryCursor.ts"
import type { Query } from "../syntax/ast.ts"
import type { Parameter, Subprogram } from "../syntax/astDefinitions.ts"
import type { Stored } from "../values/convert.ts"
import type { OraError } from "../values/oraError.ts"
import type { SqlType } from "../values/sqlType.ts"

/** A variable of any type: records and collections are values too. */
export interface Variable {
  readonly kind: "variable"
  readonly type: SqlType
  readonly constant: boolean
  readonly notNull: boolean
  value: Stored
}

/** An open query with what its attributes tell: cursor variables that were assigned to each other share one. */
export interface CursorCell {
  open: QueryCursor | undefined
  /** Null before the first fetch. */
  found: boolean | null
  rowCount: number
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

export interface ExceptionName {
  readonly kind: "exception"
  code: number
}

export interface LocalSubprogram {
  readonly kind: "subprogram"
  readonly subprogram: Subprogram
  readonly environment: Environment
}

/** A declared type: of records, collections, a subtype; `CURSOR` for a REF CURSOR. */
export interface TypeName {
  readonly kind: "type"
  readonly type: SqlType
  /** Of a subtype. */
  readonly notNull: boolean
}

export type Entry = Variable | CursorVariable | ExceptionName | LocalSubprogram | TypeName

export class Environment {
  readonly parent: Environment | undefined
  readonly label: string | undefined
  readonly #names = new Map<string, Entry>()
  /** The error a handler is dealing with: SQLCODE, SQLERRM, RAISE. */
  handling: OraError | undefined

  constructor(parent: Environment | undefined, label?: string) {
    this.parent = parent
    this.label = label
    this.handling = parent?.handling
  }

  declare(name: string, entry: Entry): void {
    this.#names.set(name, entry)
  }

  find(name: string): Entry | undefined {
    return this.#names.get(name) ?? this.parent?.find(name)
  }

  /** The names of the block with this label. */
  #labelled(label: string): Environment | undefined {
    if (this.label === label) return this
    return this.parent === undefined ? undefined : this.parent.#labelled(label)
  }

  /** What exactly this path names: `name` or `label.name`. */
  lookup(path: ReadonlyArray<string>): Entry | undefined {
    if (path.length === 1) return this.find(path[0]!)
    if (path.length !== 2) return undefined
    const block = this.#labelled(path[0]!)
    return block === undefined ? undefined : block.#names.get(path[1]!)
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
