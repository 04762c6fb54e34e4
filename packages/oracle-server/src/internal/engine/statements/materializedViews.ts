/** Materialized views: tables whose rows are the result of a query, as it was when they were refreshed. */
import type { Table } from "../catalog/catalog.ts"
import type { Step } from "../storage/waiting.ts"
import type { ColumnSpec, Ddl } from "../syntax/astDefinitions.ts"
import { oraError } from "../values/oraError.ts"
import type { Core } from "./core.ts"
import { createTable, type DefinitionServices, dropTable, placeOf } from "./definitions.ts"
import type { DictionaryRow } from "./dictionaryRows.ts"

type MviewDdl = Extract<Ddl, { kind: "createMview" | "dropMview" | "refreshMview" | "mviewLog" }>

const mviewOf = (services: DefinitionServices, path: ReadonlyArray<string>, at: number): Table => {
  const [owner, name] = placeOf(path, services.session)
  const object = services.core.catalog.objects.get(`${owner}.${name}`)
  if (object?.kind === "table" && object.materialized !== undefined) return object
  throw oraError(12003, `materialized view or zonemap "${owner}"."${name}" does not exist`, at)
}

/** A fast refresh asks for a log of each table that is read. */
const requireLogs = ({ core }: DefinitionServices, references: ReadonlySet<string>, at: number): void => {
  for (const key of references) {
    const base = core.catalog.objects.get(key)
    if (base?.kind !== "table" || base.hasMviewLog === true) continue
    throw oraError(23413, `table "${base.owner}"."${base.name}" does not have a materialized view log`, at)
  }
}

const referencesOf = (
  { core: { catalog }, describe }: DefinitionServices,
  query: Parameters<DefinitionServices["describe"]>[0]
) => {
  const { recorder } = catalog
  const references = new Set<string>()
  catalog.recorder = references
  try {
    describe(query)
  } finally {
    catalog.recorder = recorder
  }
  return references
}

/** The rows of a new one, and of one that is refreshed, are written by the caller. */
export function* defineMview(
  services: DefinitionServices,
  ddl: MviewDdl,
  exclusive: (table: Table) => void
): Step<void> {
  const { core, session } = services
  switch (ddl.kind) {
    case "createMview": {
      const [owner, name] = placeOf(ddl.path, session)
      if (ddl.ifNotExists && core.catalog.objects.has(`${owner}.${name}`)) return
      if (ddl.method === "FAST") requireLogs(services, referencesOf(services, ddl.query), ddl.at)
      const columns = ddl.columns.map((column): ColumnSpec => ({
        name: column,
        type: undefined,
        default: undefined,
        defaultText: undefined,
        defaultOnNull: false,
        identity: undefined,
        virtual: undefined,
        nullable: undefined,
        visible: undefined,
        constraints: [],
        at: ddl.at
      }))
      yield* createTable(services, {
        kind: "createTable",
        path: ddl.path,
        columns,
        constraints: [],
        temporary: undefined,
        query: ddl.query,
        ifNotExists: false,
        at: ddl.at
      })
      const { isDeferred, method, query, rewrite, text } = ddl
      const table = core.catalog.table(ddl.path, session.currentSchema, ddl.at)
      table.materialized = { query, text, isDeferred, method, rewrite, refreshed: undefined }
      return
    }
    case "dropMview": {
      const [owner, name] = placeOf(ddl.path, session)
      if (ddl.ifExists && !core.catalog.objects.has(`${owner}.${name}`)) return
      const table = mviewOf(services, ddl.path, ddl.at)
      exclusive(table)
      dropTable(core, table)
      core.privileges.forgetObject(`${owner}.${name}`)
      core.catalog.version++
      return
    }
    case "refreshMview": {
      const [owner, name] = placeOf(ddl.path, session)
      const object = core.catalog.objects.get(`${owner}.${name}`)
      if (object?.kind !== "table" || object.materialized === undefined) {
        throw oraError(23401, `materialized view "${owner}"."${name}" does not exist`)
      }
      if (owner !== session.rights.user && !core.privileges.has(session.rights, "ALTER ANY MATERIALIZED VIEW", owner)) {
        throw oraError(1031, "insufficient privileges")
      }
      if (object.materialized.method === "NEVER") {
        throw oraError(23538, "cannot explicitly refresh a NEVER REFRESH materialized view")
      }
      if (ddl.method === "F") requireLogs(services, referencesOf(services, object.materialized.query), 0)
      return
    }
    case "mviewLog": {
      const table = core.catalog.table(ddl.path, session.currentSchema, ddl.at)
      if (ddl.exists === (table.hasMviewLog === true)) {
        throw ddl.exists
          ? oraError(12000, `a materialized view log already exists on table "${table.owner}"."${table.name}"`, ddl.at)
          : oraError(12002, `there is no materialized view log on table "${table.owner}"."${table.name}"`, ddl.at)
      }
      table.hasMviewLog = ddl.exists
    }
  }
}

export const mviewRows = (core: Core): ReadonlyArray<DictionaryRow> =>
  [...core.catalog.tables()].flatMap(({ materialized, name, owner }): ReadonlyArray<DictionaryRow> =>
    materialized === undefined ? [] : [{
      OWNER: owner,
      MVIEW_NAME: name,
      CONTAINER_NAME: name,
      QUERY: materialized.text,
      QUERY_LEN: materialized.text.length,
      UPDATABLE: "N",
      REWRITE_ENABLED: materialized.rewrite ? "Y" : "N",
      REFRESH_MODE: "DEMAND",
      REFRESH_METHOD: materialized.method,
      BUILD_MODE: materialized.isDeferred ? "DEFERRED" : "IMMEDIATE",
      LAST_REFRESH_TYPE: materialized.refreshed === undefined ? "NA" : "COMPLETE",
      LAST_REFRESH_DATE: materialized.refreshed ?? null,
      LAST_REFRESH_END_TIME: materialized.refreshed ?? null,
      STALENESS: materialized.refreshed === undefined ? "UNUSABLE" : "UNKNOWN",
      COMPILE_STATE: "VALID",
      SEGMENT_CREATED: "YES"
    }]
  )
