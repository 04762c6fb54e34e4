/** Runs the triggers of a statement: each has one scope for the whole statement, whose rows change. */
import { keyOf, type Table, type View } from "../catalog/catalog.ts"
import { type Trigger, triggerOf } from "../catalog/units.ts"
import type { Surroundings } from "../statements/surroundings.ts"
import type { FindTriggers, StatementTriggers, TriggerRequest } from "../statements/triggering.ts"
import type { Row } from "../storage/tableData.ts"
import type { Step } from "../storage/waiting.ts"
import type { TriggerEvent, TriggerPoint, TriggerUnit } from "../syntax/astUnits.ts"
import { RecordValue } from "../values/composite.ts"
import { OraError, oraError } from "../values/oraError.ts"
import { declare } from "./declarations.ts"
import type { Variable } from "./environment.ts"
import { located, withLastLine } from "./exceptions.ts"
import type { Machine, PlsqlHost } from "./machine.ts"
import { type Firing, type TriggerScope, triggerScope } from "./triggerScope.ts"

/** A trigger as one statement has it. */
interface Run {
  readonly trigger: Trigger
  readonly tree: TriggerUnit
  readonly machine: Machine
  readonly scope: TriggerScope
  /** Whether what a compound trigger declares has its first values. */
  declared: boolean
}

const concerns = (tree: TriggerUnit, event: TriggerEvent, changed: ReadonlySet<string>): boolean =>
  tree.events.includes(event) &&
  (event !== "UPDATE" || tree.columns.length === 0 || tree.columns.some((column) => changed.has(column)))

const places = (object: Table | View): ReadonlyArray<number> =>
  object.kind === "table" ? object.columns.map((column) => column.place) : object.described.map((_, index) => index)

class Triggering implements StatementTriggers {
  readonly #host: PlsqlHost
  readonly #request: TriggerRequest
  readonly #runs: ReadonlyArray<Run>
  readonly #firing: Firing
  readonly #places: ReadonlyArray<number>

  constructor(host: PlsqlHost, request: TriggerRequest, triggers: ReadonlyArray<Trigger>) {
    this.#host = host
    this.#request = request
    this.#places = places(request.object)
    this.#firing = { event: request.events[0]!, changed: request.changed }
    this.#runs = triggers.map((trigger): Run => {
      const tree = triggerOf(trigger)!
      const machine = host.units.machineOf(host.units.programOf(trigger.unit, false))
      return { trigger, tree, machine, scope: triggerScope(machine, trigger.unit, tree, this.#firing), declared: false }
    })
  }

  *beforeStatement(): Step<void> {
    for (const event of this.#request.events) yield* this.#statement(event, "before statement")
  }

  *afterStatement(): Step<void> {
    for (const event of this.#request.events) yield* this.#statement(event, "after statement")
  }

  *#statement(event: TriggerEvent, point: TriggerPoint): Step<void> {
    for (const run of this.#runs) yield* this.#fire(run, event, point)
  }

  *beforeRow(event: TriggerEvent, old: Row | undefined, now: Row | undefined): Step<Row | undefined> {
    return yield* this.#row(event, "before row", old, now)
  }

  *afterRow(event: TriggerEvent, old: Row | undefined, now: Row | undefined): Step<void> {
    yield* this.#row(event, "after row", old, now)
  }

  *insteadOfRow(event: TriggerEvent, old: Row | undefined, now: Row | undefined): Step<void> {
    yield* this.#row(event, "instead of row", old, now)
  }

  *#row(
    event: TriggerEvent,
    point: TriggerPoint,
    old: Row | undefined,
    given: Row | undefined
  ): Step<Row | undefined> {
    let now = given
    for (const run of this.#runs) {
      if (!run.tree.sections.some((section) => section.point === point)) continue
      if (!concerns(run.tree, event, this.#request.changed)) continue
      this.#fill(run.scope.old, old)
      this.#fill(run.scope.now, now)
      yield* this.#fire(run, event, point)
      if (point === "before row" && now !== undefined) now = this.#read(run.scope.now, now)
    }
    return now
  }

  #fill({ type, value }: Variable, row: Row | undefined): void {
    const record = value instanceof RecordValue ? value : undefined
    if (record === undefined) throw oraError(6530, `Reference to uninitialized composite ${type.name}`)
    this.#places.forEach((place, i) => {
      record.values[i] = row === undefined || place < 0 ? null : row[place] ?? null
    })
  }

  #read({ value }: Variable, row: Row): Row {
    const changed = [...row]
    this.#places.forEach((place, i) => {
      if (place >= 0) changed[place] = (value as RecordValue).values[i]!
    })
    return changed
  }

  *#fire(run: Run, event: TriggerEvent, point: TriggerPoint): Step<void> {
    const { machine, scope, tree, trigger } = run
    const sections = tree.sections.filter((section) => section.point === point)
    const isFirst = tree.declarations.length > 0 && !run.declared
    if (!concerns(tree, event, this.#request.changed) || (sections.length === 0 && !isFirst)) return
    this.#firing.event = event
    const { executor } = this.#host
    const { state, surroundings } = executor
    const identity = { schema: state.currentSchema, rights: state.rights }
    const outer = machine.unit
    machine.unit = { ...outer, at: tree.sections[0]?.block.at ?? 0 }
    this.#host.stack.push(keyOf(trigger))
    try {
      state.enter(trigger.owner)
      executor.surroundings = this.#surroundings(trigger, point, surroundings)
      if (isFirst) {
        run.declared = true
        yield* declare(machine, tree.declarations, scope.scope)
      }
      if (tree.when !== undefined && point.endsWith("row") && !(yield* machine.test(tree.when, scope.when))) return
      for (const { block } of sections) yield* machine.block(block, scope.scope)
    } catch (error) {
      if (!(error instanceof OraError) || error.code === 1013 || error.code === 28 || error.code === 3001) throw error
      throw withLastLine(
        located(error, machine.unit),
        `ORA-04088: error during execution of trigger '${keyOf(trigger)}'`
      )
    } finally {
      this.#host.stack.pop()
      state.leave(identity)
      executor.surroundings = surroundings
      machine.unit = outer
    }
  }

  #surroundings(trigger: Trigger, point: TriggerPoint, around: Surroundings | undefined): Surroundings {
    const { object, single } = this.#request
    const table = object.kind === "table" ? object : undefined
    return {
      // A view that is changed is not a table that changes.
      changing: { table, mutating: point === "after row" || (point === "before row" && !single) },
      trigger: keyOf(trigger),
      around
    }
  }
}

/** The triggers that a statement of this session fires. */
export const findTriggers = (host: PlsqlHost): FindTriggers => (request) => {
  const { catalog } = host.core
  const triggers = catalog.triggersOn(request.object).filter((trigger) => {
    const tree = triggerOf(trigger)
    return trigger.enabled && tree !== undefined &&
      request.events.some((event) => concerns(tree, event, request.changed))
  })
  if (triggers.length === 0) return undefined
  for (const { name, owner, unit } of triggers) {
    try {
      host.units.ensure(unit)
    } catch {
      throw oraError(4098, `trigger '${owner}.${name}' is invalid and failed re-validation`)
    }
  }
  return new Triggering(host, request, triggers)
}
