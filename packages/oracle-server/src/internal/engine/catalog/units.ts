/** Units stored in PL/SQL: their text and tree, whether they are valid, what they depend on. */
import type { Subprogram } from "../syntax/astPlsql.ts"
import type { Method, MethodBody } from "../syntax/astTypes.ts"
import type { PackageBody, PackageSpec, ParsedUnit, TriggerUnit, UnitTree, UnitType } from "../syntax/astUnits.ts"
import type { CollectionType, ObjectType } from "../values/dataTypes.ts"
import type { OraError } from "../values/oraError.ts"

export interface UnitError {
  readonly line: number
  readonly position: number
  readonly text: string
  /** Of the PLS- or ORA- message; 0 for what follows from another one. */
  readonly number: number
}

/** Grows with each compilation in any database: the state of a package belongs to one stamp. */
let lastStamp = 0

/** One text with its compilation: a package has two of them. */
export class Unit {
  readonly type: UnitType
  readonly owner: string
  readonly name: string
  readonly text: string
  /** Where its name stands. */
  readonly nameAt: number
  readonly tree: UnitTree | undefined
  readonly syntaxError: OraError | undefined
  errors: ReadonlyArray<UnitError> = []
  valid = false
  /** The state of the catalog when it was last compiled, in vain or not; -1 before. */
  compiledAt = -1
  stamp = ++lastStamp
  /** Keys of the objects that its names mean. */
  references: ReadonlySet<string> = new Set()

  constructor(parsed: ParsedUnit, owner: string, name: string) {
    this.type = parsed.type
    this.owner = owner
    this.name = name
    this.text = parsed.text
    this.nameAt = parsed.nameAt
    this.tree = parsed.tree
    this.syntaxError = parsed.error
  }

  /** What a package or a type has whose body came first. */
  static absentSpec(type: "PACKAGE" | "TYPE", owner: string, name: string): Unit {
    return new Unit({ type, path: [owner, name], text: "", nameAt: 0, tree: undefined, error: undefined }, owner, name)
  }

  /** It stands for a specification that was not given yet. */
  get isAbsent(): boolean {
    return this.text === ""
  }

  /** The same for another database, which compiles it for itself. */
  copy(): Unit {
    const { name, nameAt, owner, syntaxError: error, text, tree, type } = this
    const unit = new Unit({ type, path: [owner, name], text, nameAt, tree, error }, owner, name)
    unit.errors = this.errors
    unit.valid = this.valid
    unit.references = this.references
    return unit
  }

  /** What was made of it before is no longer so. */
  invalidate(): void {
    this.valid = false
    this.compiledAt = -1
  }

  compiled(version: number, errors: ReadonlyArray<UnitError>, references: ReadonlySet<string>): void {
    this.errors = errors
    this.references = references
    this.valid = errors.length === 0
    this.compiledAt = version
    this.stamp = ++lastStamp
  }
}

export interface StoredProcedure {
  readonly kind: "procedure"
  readonly id: number
  readonly owner: string
  readonly name: string
  readonly unit: Unit
}

export interface Package {
  readonly kind: "package"
  readonly id: number
  readonly owner: string
  readonly name: string
  readonly spec: Unit
  readonly bodyId: number
  body: Unit | undefined
}

/** CREATE TYPE. */
export interface StoredType {
  readonly kind: "type"
  readonly id: number
  readonly owner: string
  readonly name: string
  readonly spec: Unit
  readonly bodyId: number
  body: Unit | undefined
  /** What the specification says, as it was last compiled; undefined before it first was without errors. */
  type: ObjectType | CollectionType | undefined
  /** NLS_LENGTH_SEMANTICS was CHAR when it was made. */
  readonly characters: boolean
}

export interface Trigger {
  readonly kind: "trigger"
  readonly id: number
  readonly owner: string
  readonly name: string
  readonly unit: Unit
  /** Key of the table or view that it stands on. */
  readonly table: string
  enabled: boolean
}

export const subprogramOf = (procedure: StoredProcedure): Subprogram | undefined =>
  procedure.unit.tree?.kind === "subprogram" ? procedure.unit.tree.subprogram : undefined

export const specOf = (unit: Unit): PackageSpec | undefined => unit.tree?.kind === "packageSpec" ? unit.tree : undefined

export const bodyOf = (unit: Unit | undefined): PackageBody | undefined =>
  unit?.tree?.kind === "packageBody" ? unit.tree : undefined

/** What the specification of a type declares. */
export const methodsOf = ({ spec: { tree } }: StoredType): ReadonlyArray<Method> =>
  tree?.kind === "typeSpec" && tree.shape.kind === "object" ? tree.shape.methods : []

export const methodBodiesOf = ({ body }: StoredType): ReadonlyArray<MethodBody> =>
  body?.tree?.kind === "typeBody" ? body.tree.methods : []

export const triggerOf = (trigger: Trigger): TriggerUnit | undefined =>
  trigger.unit.tree?.kind === "trigger" ? trigger.unit.tree : undefined
