/**
 * What a session sees of the stored units: their names, their programs, and the state of the packages that it uses. State
 * belongs to one compilation of a package; when there is another one it is discarded, and the session is told (ORA-04068).
 */
import { type CatalogObject, keyOf } from "../catalog/catalog.ts"
import type { Guarded } from "../catalog/privileges.ts"
import { bodyOf, type Package, specOf, type StoredProcedure, type Unit } from "../catalog/units.ts"
import type { Routine } from "../compile/compilation.ts"
import type { Step } from "../storage/waiting.ts"
import type { Declaration } from "../syntax/astPlsql.ts"
import type { SqlType } from "../values/dataTypes.ts"
import { OraError, oraError } from "../values/oraError.ts"
import { compileUnit } from "./checker.ts"
import { declareNames, initializeAll } from "./declarations.ts"
import { type Entry, Environment, type PackageEntry, type SubprogramEntry } from "./environment.ts"
import { newMachine } from "./interpreter.ts"
import type { Machine, PlsqlHost, Units } from "./machine.ts"
import { newProgram, type UnitProgram } from "./program.ts"
import { declareSubprogram } from "./subprograms.ts"
import { nativesOf, restrictedPackages, systemPackage } from "./system/systemPackages.ts"

/** A package as one session has it. */
interface PackageInstance {
  readonly pkg: Package
  readonly stamp: string
  readonly entry: PackageEntry
  readonly spec: Environment
  readonly body: Environment | undefined
  /** Whether its variables have had their first values. */
  ready: boolean
  readonly stateful: boolean
}

const holdsState = (declarations: ReadonlyArray<Declaration>): boolean =>
  declarations.some((declaration) =>
    declaration.kind === "cursor" || (declaration.kind === "variable" && !declaration.constant)
  )

const stampOf = ({ body, spec }: Package): string => `${spec.stamp}.${body?.stamp ?? 0}`

const notFound = (name: string): string => `ORA-06508: PL/SQL: could not find program unit being called: "${name}"`

export class StoredUnits implements Units {
  readonly #host: PlsqlHost
  /** Where an anonymous block finds the names that it does not declare. */
  readonly root: Environment
  /** Packages that were named and have not been set up yet. */
  pending: Array<PackageInstance> = []
  readonly #packages = new Map<number, PackageInstance>()
  readonly #programs = new WeakMap<Unit, UnitProgram>()
  readonly #machines = new WeakMap<UnitProgram, Machine>()
  readonly #procedures = new WeakMap<Unit, { readonly stamp: number; readonly entry: Entry }>()
  readonly #compiling = new Set<Unit>()
  /** Set by the room that serves SQL. */
  routineOf: (
    path: ReadonlyArray<string>,
    entry: SubprogramEntry,
    args: ReadonlyArray<SqlType>,
    names: ReadonlyArray<string | undefined>
  ) => Routine | undefined = () => undefined

  constructor(host: PlsqlHost) {
    this.#host = host
    this.root = new Environment(undefined, undefined, { outside: this.outside })
  }

  /** What a name means beyond the blocks around it. */
  readonly outside = (name: string): Entry | undefined => {
    const { core, executor } = this.#host
    const own = this.#entryOf(core.catalog.find([name], executor.state.currentSchema))
    if (own !== undefined) return own
    const system = this.#systemPackage(name)
    if (system !== undefined) return this.#instance(system).entry
    if (!core.catalog.schemas.has(name)) return undefined
    return {
      kind: "schema",
      member: (inner) => {
        const known = this.#entryOf(core.catalog.find([name, inner], name))
        if (known !== undefined || name !== "SYS") return known
        const own = this.#systemPackage(inner)
        return own === undefined ? undefined : this.#instance(own).entry
      }
    }
  }

  #mayExecute(object: Guarded): boolean {
    const { core, executor } = this.#host
    return core.privileges.allows(executor.state.rights, "EXECUTE", object)
  }

  /** A package of the system: most are everybody's. */
  #systemPackage(name: string): Package | undefined {
    const known = systemPackage(name)
    return known === undefined || !restrictedPackages.has(name) ||
        this.#mayExecute({ owner: "SYS", name, kind: "package" })
      ? known
      : undefined
  }

  #entryOf(object: Exclude<CatalogObject, { kind: "synonym" }> | undefined): Entry | undefined {
    if (object?.kind !== "package" && object?.kind !== "procedure") return undefined
    // What one may not execute is not there.
    if (!this.#mayExecute(object)) return undefined
    if (object.kind === "procedure") return this.#procedure(object)
    return object.spec.isAbsent ? undefined : this.#instance(object).entry
  }

  /** Compiles what has become invalid; an error when it cannot be. */
  ensure(unit: Unit): void {
    if (unit.valid || this.#compiling.has(unit)) return
    if (unit.compiledAt !== this.#host.core.catalog.version) this.compile(unit)
    if (!unit.valid) throw oraError(6550, `PLS-00905: object ${keyOf(unit)} is invalid`)
  }

  /** Whether it is without errors, compiled again if it has become invalid. */
  isGood(unit: Unit): boolean {
    try {
      this.ensure(unit)
      return true
    } catch (error) {
      if (error instanceof OraError && error.code === 6550) return false
      throw error
    }
  }

  /** Finds what is wrong with a unit, and what it depends on. */
  compile(unit: Unit): void {
    if (this.#compiling.has(unit)) return
    this.#compiling.add(unit)
    const { pending } = this
    this.pending = []
    try {
      compileUnit(this.#host, unit)
    } finally {
      // A compilation sets no package up.
      this.pending = pending
      this.#compiling.delete(unit)
    }
  }

  programOf(unit: Unit, invoker: boolean): UnitProgram {
    const { core, executor } = this.#host
    const schema = invoker ? executor.state.currentSchema : unit.owner
    const known = this.#programs.get(unit)
    const rights = invoker ? executor.state.rights.key : unit.owner
    if (known !== undefined && known.schema === schema && known.rights === rights) return known
    const program: UnitProgram = {
      ...newProgram(unit.text, core.catalog.version, schema),
      name: keyOf(unit),
      owner: unit.owner,
      rights,
      isSpec: unit.type === "PACKAGE",
      linesBefore: unit.tree?.kind === "trigger"
        ? unit.text.slice(0, unit.text.lastIndexOf(unit.tree.body)).split("\n").length - 1
        : 0,
      invoker
    }
    this.#programs.set(unit, program)
    return program
  }

  /** What runs the code of a unit in this session. */
  machineOf(program: UnitProgram): Machine {
    let machine = this.#machines.get(program)
    if (machine === undefined) {
      machine = newMachine(this.#host, program, [], [], program)
      this.#machines.set(program, machine)
    }
    return machine
  }

  /** The names that the code of a unit begins with. */
  scopeOf(unit: Unit, invoker: boolean): Environment {
    return new Environment(undefined, undefined, { unit: this.programOf(unit, invoker), outside: this.outside })
  }

  #procedure({ unit }: StoredProcedure): Entry | undefined {
    this.ensure(unit)
    const known = this.#procedures.get(unit)
    const { tree } = unit
    const invoker = tree?.kind === "subprogram" && tree.invoker
    if (known?.stamp === unit.stamp && !invoker) return known.entry
    const subprogram = tree?.kind === "subprogram" ? tree.subprogram : undefined
    if (subprogram === undefined) return undefined
    const scope = this.scopeOf(unit, invoker)
    const candidate = { declared: subprogram, scope, implementation: subprogram, environment: scope, native: undefined }
    const entry: Entry = { kind: "subprogram", candidates: [candidate] }
    this.#procedures.set(unit, { stamp: unit.stamp, entry })
    return entry
  }

  #instance(pkg: Package): PackageInstance {
    const isSystem = pkg.owner === "SYS"
    if (!isSystem) {
      this.ensure(pkg.spec)
      try {
        if (pkg.body !== undefined) this.ensure(pkg.body)
      } catch {
        // Who calls a subprogram of it is told; the specification is good.
      }
    }
    const known = this.#packages.get(pkg.id)
    const stamp = stampOf(pkg)
    if (known !== undefined && known.pkg === pkg && known.stamp === stamp) return this.#touched(known)
    if (known !== undefined && known.ready && known.stateful && this.#compiling.size === 0) {
      this.#packages.delete(pkg.id)
      throw discarded(keyOf(pkg))
    }
    const made = this.#make(pkg, stamp)
    // While something is compiled, the state that the session has stays.
    if (known === undefined || this.#compiling.size === 0) this.#packages.set(pkg.id, made)
    return this.#touched(made)
  }

  #touched(instance: PackageInstance): PackageInstance {
    if (!instance.ready && !this.pending.includes(instance)) this.pending.push(instance)
    return instance
  }

  #make(pkg: Package, stamp: string): PackageInstance {
    const tree = specOf(pkg.spec)!
    const natives = nativesOf(pkg)
    const program = this.programOf(pkg.spec, tree.invoker)
    const scope = new Environment(undefined, undefined, { unit: program, outside: this.outside })
    const spec = new Environment(scope, pkg.name)
    const entry: PackageEntry = { kind: "package", environment: spec }
    const ignore = (): void => undefined
    // Its own name is known within it before it is complete.
    scope.declare(pkg.name, entry)
    if (natives === undefined) declareNames(this.machineOf(program), tree.declarations, spec, ignore)
    else {
      for (const declaration of tree.declarations) {
        if (declaration.kind !== "subprogram") declareNames(this.machineOf(program), [declaration], spec, ignore)
        else declareSubprogram(spec, declaration.subprogram, natives(declaration.subprogram))
      }
    }
    const inner = pkg.body?.valid === true || (pkg.body !== undefined && this.#compiling.has(pkg.body))
      ? bodyOf(pkg.body)
      : undefined
    const body = inner === undefined ? undefined : this.bodyScope(pkg, spec)
    if (inner !== undefined) {
      declareNames(this.machineOf(body!.unit!), inner.declarations, body!, ignore)
    }
    const declarations = [...tree.declarations, ...inner?.declarations ?? []]
    return {
      pkg,
      stamp,
      entry,
      spec,
      body,
      ready: natives !== undefined && !tree.declarations.some((declaration) => declaration.kind === "variable"),
      stateful: holdsState(declarations)
    }
  }

  /** Where the body of a package stands: within its specification, whose subprograms it completes. */
  bodyScope(pkg: Package, spec: Environment): Environment {
    const program = this.programOf(pkg.body!, spec.unit!.invoker)
    const scope = new Environment(spec, pkg.name, { unit: program })
    for (const [name, entry] of spec.entries()) {
      if (entry.kind === "subprogram") scope.declare(name, { kind: "subprogram", candidates: [...entry.candidates] })
    }
    return scope
  }

  /** Names of a specification for the compilation of its body. */
  specScope(pkg: Package): Environment {
    return this.#make({ ...pkg, body: undefined }, "").spec
  }

  /** Sets up the packages that were named: their variables get their first values. */
  *elaborate(): Step<void> {
    const { state } = this.#host.executor
    for (let instance = this.pending.shift(); instance !== undefined; instance = this.pending.shift()) {
      if (instance.ready) continue
      const { body, pkg, spec } = instance
      const outer = { schema: state.currentSchema, rights: state.rights }
      // Names in its own initialization do not set it up again.
      instance.ready = true
      this.#host.stack.push(keyOf(pkg))
      try {
        if (!spec.unit!.invoker && pkg.owner !== "SYS") state.enter(pkg.owner)
        yield* initializeAll(this.machineOf(spec.unit!), specOf(pkg.spec)!.declarations, spec)
        const tree = bodyOf(pkg.body)
        if (body !== undefined && tree !== undefined) {
          const machine = this.machineOf(body.unit!)
          yield* initializeAll(machine, tree.declarations, body)
          if (tree.initialization !== undefined) yield* machine.block(tree.initialization, body)
        }
      } catch (error) {
        this.#packages.delete(pkg.id)
        throw error
      } finally {
        this.#host.stack.pop()
        state.leave(outer)
      }
    }
  }

  /** The error for a subprogram that is declared and has no body. */
  withoutBody(program: UnitProgram | undefined, name: string): OraError {
    if (program === undefined) return oraError(6550, `PLS-00313: '${name}' not declared in this scope`)
    const object = this.#host.core.catalog.objects.get(program.name)
    const what = object?.kind === "type" ? "type body" : "package body"
    return (object?.kind === "package" || object?.kind === "type") && object.body !== undefined
      ? oraError(4063, `${what} "${program.name}" has errors\n${notFound(program.name)}`)
      : oraError(4067, `not executed, ${what} "${program.name}" does not exist\n${notFound(program.name)}`)
  }

  /** The session begins anew: no package of it has state. */
  forget(): void {
    this.#packages.clear()
    this.pending = []
  }
}

const discarded = (name: string): OraError =>
  oraError(
    4068,
    "existing state of packages has been discarded\n" +
      `ORA-04061: existing state of package body "${name}" has been invalidated\n` +
      `ORA-04065: not executed, altered or dropped package body "${name}"\n${notFound(name)}`
  )
