/** What the dictionary says of stored units: sources, errors, subprograms, arguments, triggers, dependencies. */
import { triggerOf, type Unit } from "../catalog/units.ts"
import type { Core } from "./core.ts"
import { type DictionaryRow, units } from "./dictionaryRows.ts"

const of = ({ name, owner, type }: Unit) => ({ OWNER: owner, NAME: name, TYPE: type })

export const sourceRows = (core: Core): ReadonlyArray<DictionaryRow> =>
  units(core).flatMap(({ unit }) =>
    unit.text.split("\n").map((text, index, lines) => ({
      ...of(unit),
      LINE: index + 1,
      TEXT: index < lines.length - 1 ? `${text}\n` : text,
      ORIGIN_CON_ID: 0
    }))
  )

export const errorRows = (core: Core): ReadonlyArray<DictionaryRow> =>
  units(core).flatMap(({ unit }) =>
    unit.errors.map((error, index) => ({
      ...of(unit),
      SEQUENCE: index + 1,
      LINE: error.line,
      POSITION: error.position,
      TEXT: error.text,
      ATTRIBUTE: "ERROR",
      MESSAGE_NUMBER: error.number
    }))
  )

export const dependencyRows = (core: Core): ReadonlyArray<DictionaryRow> =>
  units(core).flatMap(({ unit }) => {
    const own = `${unit.owner}.${unit.name}`
    return [...unit.references].sort().flatMap((key): ReadonlyArray<DictionaryRow> => {
      const object = core.catalog.objects.get(key)
      if (object === undefined || (key === own && !unit.type.endsWith("BODY"))) return []
      return [{
        ...of(unit),
        REFERENCED_OWNER: object.owner,
        REFERENCED_NAME: object.name,
        REFERENCED_TYPE: object.kind === "procedure" ? object.unit.type : object.kind.toUpperCase(),
        DEPENDENCY_TYPE: "HARD"
      }]
    })
  })

const points = [
  ["BEFORE_STATEMENT", "before statement"],
  ["BEFORE_ROW", "before row"],
  ["AFTER_ROW", "after row"],
  ["AFTER_STATEMENT", "after statement"],
  ["INSTEAD_OF_ROW", "instead of row"]
] as const

export const triggerRows = (core: Core): ReadonlyArray<DictionaryRow> =>
  [...core.catalog.triggers.values()].flatMap((trigger): ReadonlyArray<DictionaryRow> => {
    const tree = triggerOf(trigger)
    const table = core.catalog.objects.get(trigger.table)
    if (tree === undefined || table === undefined) return []
    const { correlation, timing } = tree
    const isCompound = timing === "COMPOUND"
    const sections = points.map(([column, point]) => [
      column,
      isCompound && tree.sections.some((section) => section.point === point) ? "YES" : "NO"
    ])
    return [{
      OWNER: trigger.owner,
      TRIGGER_NAME: trigger.name,
      TRIGGER_TYPE: isCompound || timing === "INSTEAD OF" ? timing : `${timing} ${tree.row ? "EACH ROW" : "STATEMENT"}`,
      TRIGGERING_EVENT: tree.events.join(" OR "),
      TABLE_OWNER: table.owner,
      BASE_OBJECT_TYPE: table.kind.toUpperCase(),
      TABLE_NAME: table.name,
      REFERENCING_NAMES: `REFERENCING NEW AS ${correlation.new} OLD AS ${correlation.old}`,
      WHEN_CLAUSE: tree.whenText ?? null,
      STATUS: trigger.enabled ? "ENABLED" : "DISABLED",
      DESCRIPTION: tree.description,
      ACTION_TYPE: "PL/SQL     ",
      TRIGGER_BODY: tree.body,
      CROSSEDITION: "NO",
      FIRE_ONCE: "YES",
      APPLY_SERVER_ONLY: "NO",
      ...Object.fromEntries(sections)
    }]
  })

/** The columns that UPDATE OF names. */
export const triggerColumnRows = (core: Core): ReadonlyArray<DictionaryRow> =>
  [...core.catalog.triggers.values()].flatMap((trigger) => {
    const [owner, table] = trigger.table.split(".")
    return (triggerOf(trigger)?.columns ?? []).map((column) => ({
      TRIGGER_OWNER: trigger.owner,
      TRIGGER_NAME: trigger.name,
      TABLE_OWNER: owner!,
      TABLE_NAME: table!,
      COLUMN_NAME: column,
      COLUMN_LIST: "YES",
      COLUMN_USAGE: null
    }))
  })

const procedureFacts = {
  AGGREGATE: "NO",
  PIPELINED: "NO",
  PARALLEL: "NO",
  INTERFACE: "NO",
  RESULT_CACHE: "NO",
  ORIGIN_CON_ID: 0,
  POLYMORPHIC: "NULL"
}

const yes = (holds: boolean): string => holds ? "YES" : "NO"

export const procedureRows = (core: Core): ReadonlyArray<DictionaryRow> =>
  units(core).flatMap(({ id, unit }): ReadonlyArray<DictionaryRow> => {
    const { tree } = unit
    const invoker = (tree?.kind === "subprogram" || tree?.kind === "packageSpec") && tree.invoker
    const common = {
      ...procedureFacts,
      OWNER: unit.owner,
      OBJECT_NAME: unit.name,
      OBJECT_ID: id,
      OBJECT_TYPE: unit.type,
      AUTHID: invoker ? "CURRENT_USER" : "DEFINER"
    }
    if (tree?.kind === "subprogram") {
      return [{
        ...common,
        SUBPROGRAM_ID: 1,
        DETERMINISTIC: yes(tree.subprogram.deterministic),
        PIPELINED: yes(tree.subprogram.pipelined)
      }]
    }
    if (tree?.kind !== "packageSpec") return []
    const subprograms = tree.declarations.flatMap((declaration) =>
      declaration.kind === "subprogram" ? [declaration.subprogram] : []
    )
    return [
      ...subprograms.map((subprogram, index) => {
        const same = subprograms.filter(({ name }) => name === subprogram.name)
        return {
          ...common,
          PROCEDURE_NAME: subprogram.name,
          SUBPROGRAM_ID: index + 1,
          OVERLOAD: same.length > 1 ? String(same.indexOf(subprogram) + 1) : null,
          DETERMINISTIC: yes(subprogram.deterministic),
          PIPELINED: yes(subprogram.pipelined)
        }
      }),
      { ...common, SUBPROGRAM_ID: 0, DETERMINISTIC: "NO" }
    ]
  })

const upper = (holds: boolean): string => holds ? "TRUE" : "FALSE"

export const jobRows = (core: Core): ReadonlyArray<DictionaryRow> =>
  [...core.jobs.all()].map((job) => ({
    OWNER: job.owner,
    JOB_NAME: job.name,
    JOB_TYPE: job.type,
    JOB_ACTION: job.action,
    REPEAT_INTERVAL: job.repeat ?? null,
    ENABLED: upper(job.enabled),
    AUTO_DROP: upper(job.autoDrop),
    STATE: job.running ? "RUNNING" : job.enabled ? "SCHEDULED" : "DISABLED",
    RUN_COUNT: job.runs,
    FAILURE_COUNT: job.failures
  }))

export const jobRunRows = (core: Core): ReadonlyArray<DictionaryRow> =>
  core.jobs.runs.map((run, index) => ({
    LOG_ID: index + 1,
    OWNER: run.owner,
    JOB_NAME: run.name,
    STATUS: run.status,
    ADDITIONAL_INFO: run.error ?? null
  }))
