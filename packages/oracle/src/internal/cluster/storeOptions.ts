/** The options of the durable stores: checked before anything is created, and refused with a sentence. Names of tables among them. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { MigrationError } from "effect/sql/Migrator"
import type { SqlError } from "effect/sql/SqlError"
import { OracleClient } from "../../OracleClient.ts"
import { isOracleError } from "../../OracleError.ts"
import * as OracleMigrator from "../../OracleMigrator.ts"
import { durationOf, type Field } from "../fieldKinds.ts"
import { checkFields } from "../settingFields.ts"
import { asSqlError } from "../sqlReason.ts"

/** Identifiers have at most 128 bytes, and 30 before Oracle Database 12.2 ("Database Object Naming Rules"). */
const bytesOfName = 128
const bytesIn12_1 = 30

const bytesOf = (name: string): number =>
  Math.max(...name.split(".").map((part) => new TextEncoder().encode(part).length))

/** A table's name, or what names begin with; `ending` is the longest text that is put behind it. */
export const nameBefore = (ending: string): Field<string> => ({
  expected: `a name, or schema.name, of 1 to ${
    bytesOfName - ending.length
  } bytes without quotation marks and control characters`,
  parse: (input) =>
    typeof input === "string" && input.split(".").length <= 2
      && input.split(".").every((part) => part.trim() !== "") && !/["\p{Cc}]/u.test(input)
      && input.isWellFormed() && bytesOf(input + ending) <= bytesOfName
      ? input
      : undefined
})

/** Above 0; what is longer than a year counts as a year, which moments of the database can be told by. */
export const interval: Field<Duration.Duration> = {
  expected: "a duration above 0, such as \"30 seconds\" or 30000 (milliseconds)",
  parse: (input) => {
    const found = durationOf(input)
    return found === undefined || Duration.isZero(found) ? undefined : Duration.min(found, Duration.days(365))
  }
}

export const refused = (store: string, problem: string) =>
  new MigrationError({ kind: "BadState", message: `${store}: ${problem}.` })

/** The options of a store, durations read; a name that is none of theirs is refused too. */
export const checkOptions = <Options extends object>(
  store: string,
  fields: { readonly [Name in keyof Options]: Field<Options[Name]> },
  given: unknown = {}
): Effect.Effect<Partial<Options>, MigrationError> => {
  if (typeof given !== "object" || given === null) return Effect.fail(refused(store, "its options must be an object"))
  const names = Object.keys(fields)
  const unknown = Object.keys(given).filter((name) => !names.includes(name))
  const { problems, settings } = checkFields<object>(fields, given)
  const all = [
    ...unknown.map((name) => `${JSON.stringify(name)} is not one of its options (${names.join(", ")})`),
    ...problems.map(({ field, problem }) => `${field} ${problem}`)
  ]
  return all.length === 0 ? Effect.succeed(settings) : Effect.fail(refused(store, all.join("; ")))
}

/** Whether a statement failed because it names a table that is not there. */
export const isMissing = ({ reason }: SqlError): boolean =>
  isOracleError(reason.cause) && reason.cause.codes.includes("ORA-00942")

const isThere = (name: string): Effect.Effect<boolean, SqlError, OracleClient> =>
  Effect.flatMap(OracleClient, (client) => {
    const sql = client.withoutTransforms()
    return Effect.catchIf(
      Effect.as(sql`select 1 as n from ${sql(name)} where 1 = 0`, true),
      isMissing,
      () => Effect.succeed(false)
    )
  })

/** The first migration of each store creates its tables, and is done with them there: so the journal is asked before them. */
const isBegun = (journal: string): Effect.Effect<boolean, SqlError, OracleClient> =>
  Effect.flatMap(OracleClient, (client) => {
    const sql = client.withoutTransforms()
    return Effect.catchIf(
      Effect.map(
        sql`select 1 as n from ${sql(journal)} where migration_id = 1 and state = 'done'`,
        (rows) => rows.length > 0
      ),
      isMissing,
      () => Effect.succeed(false)
    )
  })

/** Refuses a journal that speaks of other tables: the migrations of another store would be taken for those of this one. */
const checkJournal = (
  store: string,
  journal: string,
  tables: ReadonlyArray<string>
): Effect.Effect<void, MigrationError | SqlError, OracleClient> =>
  Effect.gen(function*() {
    if (!(yield* isBegun(journal))) return
    for (const table of tables) {
      if (yield* isThere(table)) continue
      return yield* refused(
        store,
        `the migrations in ${journal} are done, and the table ${table} is not there; another store has this name, or the table was `
          + `dropped: choose another name, or drop ${journal} as well`
      )
    }
  })

/** Creates the tables of a store, or brings them up to date; refuses names of them that this server cannot have. */
export const runMigrations = (
  store: string,
  options: {
    readonly loader: OracleMigrator.Loader<OracleClient>
    readonly journal: string
    /** The longest of the names that are created. */
    readonly longest: string
    /** Tables of the first migration, by which this store is told from others. */
    readonly tables: ReadonlyArray<string>
  }
): Effect.Effect<void, MigrationError | SqlError, OracleClient> =>
  Effect.gen(function*() {
    const { journal, loader, longest, tables } = options
    const bytes = bytesOf(longest)
    if (bytes > bytesIn12_1) {
      const { pool } = yield* OracleClient
      const version = yield* asSqlError("connect")(pool.use((connection) => connection.serverVersion))
      const [major = 0, minor = 0] = version.split(".").map(Number)
      if (major < 12 || (major === 12 && minor < 2)) {
        return yield* refused(
          store,
          `the name ${longest} has ${bytes} bytes, and Oracle Database ${version} allows ${bytesIn12_1}; choose a shorter one`
        )
      }
    }
    yield* checkJournal(store, journal, tables)
    yield* OracleMigrator.run({ loader, table: journal })
  })

/** Options of a storage of the cluster: how the names of its tables begin. */
export interface PrefixOptions {
  readonly prefix?: string | undefined
}

export const prefixField = nameBefore("_runner_migrations_lock")

/** The checked prefix as a function that completes names. */
export const namesOf = (
  store: string,
  options: PrefixOptions | undefined,
  otherwise = "cluster"
): Effect.Effect<(table: string) => string, MigrationError> =>
  Effect.map(
    checkOptions(store, { prefix: prefixField }, options),
    ({ prefix = otherwise }) => (table) => `${prefix}_${table}`
  )
