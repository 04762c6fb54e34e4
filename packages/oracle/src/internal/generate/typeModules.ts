/** Writes the schemas of types, records and rows, each one after those that it is made of. */
import type { Dictionary, MadeType, Table, TypeUse } from "./dictionary.ts"
import { type Names, pascal, property } from "./names.ts"
import { isElement, type Numbers, type Scalar, scalarOf } from "./scalars.ts"

/** Why something cannot be written. */
export class Unmade {
  readonly _tag = "Unmade"
  readonly problem: string

  constructor(problem: string) {
    this.problem = problem
  }
}

/** A type that somebody made, as the module has it. */
type Written =
  | { readonly _tag: "Object" | "Collection"; readonly schema: string; readonly bind: string }
  /** An index-by table of scalars. */
  | { readonly _tag: "Array"; readonly element: Scalar; readonly bind: string }

interface WriterOptions {
  readonly numbers: Numbers
  /** Names of properties, as the connection names columns. */
  readonly columnNames: (name: string) => string
  /** What stands before a name in statements: nothing, or the owner and a point. */
  readonly prefix: string
}

const keyOf = (packageName: string | undefined, name: string): string => `${packageName ?? ""}.${name}`

const rowType = "%ROWTYPE"

export class TypeWriter {
  readonly lines: Array<string> = []
  readonly unmade: Array<string> = []
  readonly #written = new Map<string, Written | Unmade>()
  readonly #types: ReadonlyMap<string, MadeType>
  readonly #tables: ReadonlyMap<string, Table>
  readonly #dictionary: Dictionary
  readonly #names: Names
  readonly #options: WriterOptions

  constructor(dictionary: Dictionary, names: Names, options: WriterOptions) {
    this.#dictionary = dictionary
    this.#names = names
    this.#options = options
    this.#types = new Map(dictionary.types.map((type) => [keyOf(type.package, type.name), type]))
    this.#tables = new Map(dictionary.tables.map((table) => [table.name, table]))
  }

  writeAll(): void {
    for (const type of this.#dictionary.types) {
      const made = this.#make(type)
      if (made instanceof Unmade) {
        this.unmade.push(`type ${type.package === undefined ? "" : `${type.package}.`}${type.name}: ${made.problem}`)
      }
    }
  }

  /** The schema of a table's rows, as queries give them. */
  writeRow(table: Table): void {
    const fields = table.columns.map(({ isNullable, name, type }) => {
      const schema = this.#column(type)
      return [name, isNullable && schema !== "Schema.Unknown" ? `Schema.NullOr(${schema})` : schema] as const
    })
    const name = this.#names.take(`${pascal(table.name)}Row`)
    this.#struct(`A row of ${table.name}.`, name, fields)
    this.lines.push("")
  }

  /** The type that somebody made, for a bind. */
  made(use: TypeUse): Written | Unmade {
    const { owner } = this.#dictionary
    if (use.owner !== undefined && use.owner !== owner) {
      return new Unmade(`the type ${use.owner}.${use.name} is not of ${owner}`)
    }
    if (use.name.endsWith(rowType)) return this.#record(use.name)
    const type = this.#types.get(keyOf(use.package, use.name))
    return type === undefined ? new Unmade(`the type ${use.name} is not visible`) : this.#make(type)
  }

  #column(type: TypeUse): string {
    if (type.owner === undefined) return scalarOf(type.name, this.#options.numbers)?.schema ?? "Schema.Unknown"
    const made = this.made(type)
    return made instanceof Unmade || made._tag === "Array" ? "Schema.Unknown" : made.schema
  }

  #part(type: TypeUse): string | Unmade {
    const scalar = type.owner === undefined && type.package === undefined
      ? scalarOf(type.name, this.#options.numbers)
      : undefined
    if (scalar !== undefined) {
      return scalar.isPart ? `Schema.NullOr(${scalar.schema})` : new Unmade(`it has a ${type.name} in it`)
    }
    if (type.owner === undefined) return new Unmade(`it has a ${type.name} in it`)
    const made = this.made(type)
    if (made instanceof Unmade) return new Unmade(`it has ${type.name} in it, and ${made.problem}`)
    return made._tag === "Array"
      ? new Unmade(`it has the index-by table ${type.name} in it`)
      : `Schema.NullOr(${made.schema})`
  }

  #make(type: MadeType): Written | Unmade {
    const key = keyOf(type.package, type.name)
    const known = this.#written.get(key)
    if (known !== undefined) return known
    this.#written.set(key, new Unmade("it has itself in it"))
    const made = type.shape._tag === "Object"
      ? this.#object(type, type.shape.attributes)
      : this.#collection(type, type.shape)
    this.#written.set(key, made)
    return made
  }

  #sqlName(type: MadeType): string {
    return `${this.#options.prefix}${type.package === undefined ? "" : `${type.package}.`}${type.name}`
  }

  #name(type: MadeType): string {
    return this.#names.take(`${type.package === undefined ? "" : pascal(type.package)}${pascal(type.name)}`)
  }

  #object(
    type: MadeType,
    attributes: ReadonlyArray<{ readonly name: string; readonly type: TypeUse }>
  ): Written | Unmade {
    const fields: Array<readonly [string, string]> = []
    for (const attribute of attributes) {
      const schema = this.#part(attribute.type)
      if (schema instanceof Unmade) return schema
      fields.push([attribute.name, schema])
    }
    const what = type.package === undefined ? "object type" : "record"
    return this.#described(`The ${what} ${this.#sqlName(type)}.`, this.#name(type), this.#sqlName(type), fields)
  }

  #record(rowName: string): Written | Unmade {
    const known = this.#written.get(rowName)
    if (known !== undefined) return known
    const table = this.#tables.get(rowName.slice(0, -rowType.length))
    const made = table === undefined ? new Unmade(`${rowName} is not visible`) : this.#recordOf(table)
    this.#written.set(rowName, made)
    return made
  }

  #recordOf(table: Table): Written | Unmade {
    const fields: Array<readonly [string, string]> = []
    for (const column of table.columns) {
      const schema = this.#part(column.type)
      if (schema instanceof Unmade) return schema
      fields.push([column.name, schema])
    }
    const sql = `${this.#options.prefix}${table.name}${rowType}`
    return this.#described(
      `A row of ${table.name} as a record.`,
      this.#names.take(`${pascal(table.name)}Record`),
      sql,
      fields
    )
  }

  #described(
    what: string,
    name: string,
    sql: string,
    fields: ReadonlyArray<readonly [string, string]>
  ): Written {
    this.#struct(what, name, fields)
    const bind = this.#names.take(`${name}Type`)
    this.lines.push(`export const ${bind} = OracleBind.object(${JSON.stringify(sql)}, ${name})`, "")
    return { _tag: "Object", schema: name, bind }
  }

  #struct(what: string, name: string, fields: ReadonlyArray<readonly [string, string]>): void {
    const properties = fields.map(([field, schema]) => `  ${property(this.#options.columnNames(field))}: ${schema}`)
    this.lines.push(
      `/** ${what} */`,
      `export const ${name} = Schema.Struct({`,
      properties.join(",\n"),
      "})",
      `export type ${name} = typeof ${name}.Type`
    )
  }

  #collection(
    type: MadeType,
    shape: { readonly element: TypeUse; readonly indexBy: "number" | "text" | undefined }
  ): Written | Unmade {
    const sql = this.#sqlName(type)
    if (shape.indexBy === "text") return new Unmade("the driver cannot bind what is indexed by text")
    if (shape.indexBy === "number") {
      const element = scalarOf(shape.element.name, this.#options.numbers)
      if (element === undefined || !isElement(element.bind)) {
        return new Unmade(`it is an index-by table of ${shape.element.name}`)
      }
      const bind = this.#names.take(`${pascal(type.package ?? "")}${pascal(type.name)}Type`)
      this.lines.push(
        `/** The index-by table ${sql}. */`,
        `export const ${bind} = OracleBind.array(${JSON.stringify(element.bind)})`,
        ""
      )
      return { _tag: "Array", element, bind }
    }
    const element = this.#part(shape.element)
    if (element instanceof Unmade) return element
    const name = this.#name(type)
    const bind = this.#names.take(`${name}Type`)
    this.lines.push(
      `/** The collection ${sql}. */`,
      `export const ${name} = Schema.Array(${element})`,
      `export type ${name} = typeof ${name}.Type`,
      `export const ${bind} = OracleBind.collection(${JSON.stringify(sql)}, ${element})`,
      ""
    )
    return { _tag: "Collection", schema: name, bind }
  }
}
