/** What tests of the migrator need: a client, and tables of their own. */
import { OracleClient, OracleMigrator } from "@sessionpool/oracle"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { openClient } from "./openClient.ts"

let tables = 0

/** A client, names that nobody else uses, and the means to run migrations under them. */
export const prepared = Effect.gen(function*() {
  const { pool, sql } = yield* openClient()
  const prefix = `sp_mig_${process.pid}_${++tables}`
  const table = `${prefix}_m`
  const made: Array<string> = [table, `${table}_lock`]
  yield* Effect.addFinalizer(() =>
    Effect.forEach(made, (name) => Effect.ignore(sql`drop table ${sql(name)}`), { discard: true })
  )
  const name = (suffix: string) => {
    made.push(`${prefix}_${suffix}`)
    return `${prefix}_${suffix}`
  }
  const provided = Effect.provideService(OracleClient.OracleClient, sql)
  const run = (
    migrations: Record<string, Effect.Effect<void, unknown, SqlClient.SqlClient>>,
    options: Partial<OracleMigrator.MigratorOptions> = {}
  ) => provided(OracleMigrator.run({ loader: OracleMigrator.fromRecord(migrations), table, ...options }))
  const records = provided(OracleMigrator.records({ table }))
  const resolve = (id: number, as: "done" | "again") => provided(OracleMigrator.resolve(id, as, { table }))
  return { pool, sql, table, name, run, records, resolve, provided }
})

export const statement = (text: string) => Effect.flatMap(SqlClient.SqlClient, (sql) => Effect.asVoid(sql.unsafe(text)))
