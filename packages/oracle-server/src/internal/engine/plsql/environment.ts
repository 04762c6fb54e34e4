/** Names of a running block: variables, records, cursors, exceptions, subprograms. */
import type { QueryCursor } from "../execute/queryCursor.ts"
import type { Query } from "../syntax/ast.ts"
import type { Parameter, Subprogram } from "../syntax/astDefinitions.ts"
import type { Stored } from "../values/convert.ts"
import type { OraError } from "../values/oraError.ts"
import type { SqlType } from "../values/sqlType.ts"

export interface Scalar {
  readonly kind: "scalar"
  readonly type: SqlType
  readonly constant: boolean
  readonly notNull: boolean
  value: Stored
}

export interface RecordVariable {
  readonly kind: "record"
  readonly fields: Map<string, Scalar>
}

/** A declared cursor, or a SYS_REFCURSOR variable. */
export interface CursorVariable {
  readonly kind: "cursor"
  readonly query: Query | undefined
  readonly parameters: ReadonlyArray<Parameter>
  open: QueryCursor | undefined
  /** Null before the first fetch. */
  found: boolean | null
  rowCount: number
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

export interface RecordType {
  readonly kind: "recordType"
  readonly fields: ReadonlyArray<{ readonly name: string; readonly type: SqlType }>
}

export interface CursorType {
  readonly kind: "cursorType"
}

export type Entry = Scalar | RecordVariable | CursorVariable | ExceptionName | LocalSubprogram | RecordType | CursorType

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

  /** `name`, `record.field`, `label.name`. */
  scalar(path: ReadonlyArray<string>): Scalar | undefined {
    const first = this.find(path[0]!)
    if (path.length === 1) return first?.kind === "scalar" ? first : undefined
    if (path.length === 2 && first?.kind === "record") return first.fields.get(path[1]!)
    if (path.length !== 2) return undefined
    const block = this.#labelled(path[0]!)
    const entry = block === undefined ? undefined : block.#names.get(path[1]!)
    return entry?.kind === "scalar" ? entry : undefined
  }
}
