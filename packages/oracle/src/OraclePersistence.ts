/**
 * Effect's stores of keys and of persisted results, in tables of Oracle.
 *
 * The SQL layers of `KeyValueStore` and `Persistence` in `effect` have text for five databases and none for Oracle, which knows
 * neither `TEXT` nor `ON CONFLICT`. These two are the same services with Oracle's own text.
 */
import * as Arr from "effect/Array"
import * as Clock from "effect/Clock"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Layer from "effect/Layer"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import * as Persistence from "effect/persistence/Persistence"
import * as Schedule from "effect/Schedule"
import * as SqlError from "effect/sql/SqlError"
import type * as Statement from "effect/sql/Statement"
import { limit, lob, OracleClient } from "./OracleClient.ts"
import { isOracleError } from "./OracleError.ts"

/** What a bind holds without being a LOB. */
const longestBind = 4000

const encoder = new TextEncoder()
/** With its byte order mark, which a program may well have stored. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true })

class UnstorableText extends Data.TaggedError("UnstorableText")<{ readonly message: string }> {}

/** Half a surrogate pair has no UTF-8: it would be stored as another character. */
const wellFormed = (what: string, text: string): Effect.Effect<string, UnstorableText> =>
  text.isWellFormed()
    ? Effect.succeed(text)
    : Effect.fail(
      new UnstorableText({ message: `The ${what} has half a surrogate pair, which a database cannot store as text` })
    )

const isThere = (error: SqlError.SqlError): boolean => {
  const { cause } = error.reason
  return isOracleError(cause) && cause.codes.includes("ORA-00955")
}

/** Oracle has `IF NOT EXISTS` from 23ai on only. */
const created = (statement: Statement.Statement<unknown>): Effect.Effect<void> =>
  Effect.orDie(Effect.catchIf(Effect.asVoid(statement), isThere, () => Effect.void))

/** Two that merge the same new key at once both insert: the second then finds it there. */
const merged = <A>(statement: Statement.Statement<A>): Effect.Effect<void, SqlError.SqlError> =>
  Effect.asVoid(Effect.retry(statement, { times: 2, while: (error) => error.reason._tag === "UniqueViolation" }))

const isDeadlock = (error: unknown): boolean => SqlError.isSqlError(error) && error.reason._tag === "DeadlockError"

/** A few quick tries: whoever else was part of the deadlock has gone on by then. */
const afterDeadlock = { schedule: Schedule.jittered(Schedule.exponential("10 millis")), times: 5, while: isDeadlock }

/** Runs `work` in a transaction, and again after a deadlock; inside a caller's transaction only the caller can do that. */
const transaction = <A, E>(sql: OracleClient, work: Effect.Effect<A, E>): Effect.Effect<A, E | SqlError.SqlError> =>
  Effect.flatMap(Effect.serviceOption(sql.transactionService), (outer) => {
    const whole = sql.withTransaction(work)
    return outer._tag === "Some" ? whole : Effect.retry(whole, afterDeadlock)
  })

const bytesParameter = (bytes: Uint8Array): Uint8Array | Statement.Fragment =>
  bytes.length > longestBind ? lob("blob", bytes) : bytes

const textParameter = (text: string): string | Statement.Fragment =>
  text.length * 4 > longestBind ? lob("clob", text) : text

/**
 * A `KeyValueStore` in a table, which is created when it is not there.
 *
 * **When to use**
 *
 * Use for small values that several processes share.
 *
 * **Gotchas**
 *
 * To Oracle an empty text is no value at all, so an empty key is refused; empty values are kept. Text with half a surrogate pair
 * is refused as well.
 *
 * **Example** (A setting)
 *
 * ```ts
 * import { OracleClient, OraclePersistence } from "@sessionpool/oracle"
 * import { Effect, Layer } from "effect"
 * import { KeyValueStore } from "effect/persistence"
 *
 * const program = Effect.flatMap(KeyValueStore.KeyValueStore, (store) => store.set("theme", "dark"))
 *
 * const layer = OraclePersistence.layerKeyValueStore({ table: "settings" }).pipe(
 *   Layer.provide(OracleClient.layer({ connectString: "localhost/FREEPDB1", user: "scott" }))
 * )
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerKeyValueStore = (
  options: { readonly table?: string | undefined } = {}
): Layer.Layer<KeyValueStore.KeyValueStore, never, OracleClient> =>
  Layer.effect(
    KeyValueStore.KeyValueStore,
    Effect.gen(function*() {
      const sql = (yield* OracleClient).withoutTransforms()
      const table = sql(options.table ?? "effect_key_value_store")
      yield* created(sql`create table ${table} (
        id varchar2(1000 char) not null primary key,
        value blob,
        value_type number(1) not null
      )`)

      const failing = (method: string, key?: string) => <A, E>(effect: Effect.Effect<A, E>) =>
        Effect.mapError(effect, (cause) =>
          new KeyValueStore.KeyValueStoreError({
            method,
            ...(key !== undefined && { key }),
            message: key === undefined ? `${method} failed` : `${method} failed for key ${key}`,
            cause
          }))

      interface Row {
        readonly value: Uint8Array | null
        readonly value_type: number
      }

      /** Whether the value was text, and its bytes. */
      const found = (key: string) =>
        Effect.map(sql<Row>`select value, value_type from ${table} where id = ${key}`, ([row]) =>
          row === undefined ? undefined : { isText: row.value_type === 0, bytes: row.value ?? new Uint8Array() })

      return KeyValueStore.make({
        get: (key) =>
          Effect.map(found(key), (value) =>
            value === undefined ? undefined : value.isText ? decoder.decode(value.bytes) : Base64.encode(value.bytes))
            .pipe(
              failing("get", key)
            ),
        getUint8Array: (key) =>
          Effect.map(found(key), (value) =>
            value?.bytes).pipe(failing("getUint8Array", key)),
        set: (key, value) =>
          Effect.gen(function*() {
            yield* wellFormed("key", key)
            const bytes = typeof value === "string" ? encoder.encode(yield* wellFormed("value", value)) : value
            const type = typeof value === "string" ? 0 : 1
            yield* merged(sql`merge into ${table} t using (select ${key} as id from dual) s on (t.id = s.id)
              when matched then update set value = ${bytesParameter(bytes)}, value_type = ${type}
              when not matched then insert (id, value, value_type) values (s.id, ${bytesParameter(bytes)}, ${type})`)
          }).pipe(failing("set", key)),
        remove: (key) =>
          Effect.asVoid(sql`delete from ${table} where id = ${key}`).pipe(failing("remove", key)),
        clear: Effect.asVoid(sql`delete from ${table}`).pipe(failing("clear")),
        clearPrefix: (prefix) =>
          Effect.asVoid(
            prefix === ""
              ? sql`delete from ${table}`
              : sql`delete from ${table} where substr(id, 1, length(${prefix})) = ${prefix}`
          ).pipe(failing("clearPrefix", prefix)),
        size: Effect.map(sql<{ readonly n: number }>`select count(*) as n from ${table}`, ([row]) =>
          row?.n ?? 0).pipe(
            failing("size")
          ),
        keys: Effect.map(sql<{ readonly id: string }>`select id from ${table} order by id`, (rows) =>
          rows.map(({ id }) =>
            id
          )).pipe(failing("keys"))
      })
    })
  )

const cleanupEvery = Duration.minutes(5)
const cleanedAtOnce = 1000

/**
 * What `Persistence` keeps its results in, so `Persistence.layer` and `PersistedCache` work on Oracle.
 *
 * **When to use**
 *
 * Use for results that are worth keeping over a restart.
 *
 * **Details**
 *
 * One table for all stores, created when it is not there. Results that have expired are not given, and are deleted every five
 * minutes, a thousand at a time.
 *
 * **Example** (Persistence on Oracle)
 *
 * ```ts
 * import { OracleClient, OraclePersistence } from "@sessionpool/oracle"
 * import { Layer } from "effect"
 * import { Persistence } from "effect/persistence"
 *
 * const layer = Persistence.layer.pipe(
 *   Layer.provide(OraclePersistence.layerBacking()),
 *   Layer.provide(OracleClient.layer({ connectString: "localhost/FREEPDB1", user: "scott" }))
 * )
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerBacking = (
  options: { readonly table?: string | undefined } = {}
): Layer.Layer<Persistence.BackingPersistence, never, OracleClient> =>
  Layer.effect(
    Persistence.BackingPersistence,
    Effect.gen(function*() {
      const client = yield* OracleClient
      const sql = client.withoutTransforms()
      const table = sql(options.table ?? "effect_persistence")
      yield* created(sql`create table ${table} (
        store_id varchar2(190 char) not null,
        id varchar2(800 char) not null,
        value clob not null,
        expires number,
        primary key (store_id, id)
      )`)

      const deleteExpired = Effect.flatMap(Clock.currentTimeMillis, (now) =>
        sql`delete from ${table} where rowid in (
          select rowid from ${table} where expires <= ${now} ${limit(cleanedAtOnce)}
        )`.raw.pipe(
          Effect.repeat({
            while: (result) =>
              typeof result === "object" && result !== null && "rowsAffected" in result
              && result.rowsAffected === cleanedAtOnce
          })
        ))
      yield* deleteExpired.pipe(
        Effect.catch((error) => Effect.logWarning("Expired results could not be deleted", error)),
        Effect.repeat(Schedule.spaced(cleanupEvery)),
        Effect.forkScoped
      )

      const failing = (what: string) => <A, E>(effect: Effect.Effect<A, E>) =>
        Effect.mapError(effect, (cause) => new Persistence.PersistenceError({ message: `Failed to ${what}`, cause }))

      const parsed = (text: string): Effect.Effect<object, Persistence.PersistenceError> =>
        Effect.try({
          try: (): object => JSON.parse(text),
          catch: (cause) => new Persistence.PersistenceError({ message: "The stored value is not JSON", cause })
        })

      const printed = (value: object): Effect.Effect<string, Persistence.PersistenceError> =>
        Effect.try({
          try: () => {
            const text: string | undefined = JSON.stringify(value)
            if (text === undefined) throw new TypeError("its toJSON gives nothing")
            return text
          },
          catch: (cause) => new Persistence.PersistenceError({ message: "The value has no JSON", cause })
        })

      const upsert = (store: string, key: string, value: object, ttl: Duration.Duration | undefined) =>
        Effect.gen(function*() {
          yield* wellFormed("key", key)
          const now = yield* Clock.currentTimeMillis
          const expires = ttl === undefined || !Duration.isFinite(ttl) ? null : now + Duration.toMillis(ttl)
          const text = yield* printed(value)
          yield* merged(sql`merge into ${table} t using (select ${store} as store_id, ${key} as id from dual) s
            on (t.store_id = s.store_id and t.id = s.id)
            when matched then update set value = ${textParameter(text)}, expires = ${expires}
            when not matched then insert (store_id, id, value, expires)
              values (s.store_id, s.id, ${textParameter(text)}, ${expires})`)
        })

      return Persistence.BackingPersistence.of({
        make: (store) => {
          const live = (now: number) => sql`store_id = ${store} and (expires is null or expires > ${now})`
          const backing: Persistence.BackingPersistenceStore = {
            get: (key) =>
              Clock.currentTimeMillis.pipe(
                Effect.flatMap((now) =>
                  sql<{ readonly value: string }>`select value from ${table} where id = ${key} and ${live(now)}`
                ),
                Effect.flatMap(([row]): Effect.Effect<object | undefined, unknown> =>
                  row === undefined ? Effect.undefined : parsed(row.value)
                ),
                failing(`get key ${key}`)
              ),
            getMany: (keys) =>
              Clock.currentTimeMillis.pipe(
                Effect.flatMap((now) =>
                  sql<{ readonly id: string; readonly value: string }>`select id, value from ${table} where ${
                    sql.in("id", keys)
                  } and ${live(now)}`
                ),
                Effect.flatMap((rows) =>
                  Effect.forEach(rows, ({ id, value }) =>
                    Effect.map(
                      Effect.option(parsed(value)),
                      (read) => [id, read._tag === "Some" ? read.value : undefined] as const
                    ))
                ),
                Effect.map((entries) => {
                  const values = new Map(entries)
                  return Arr.map(keys, (key) => values.get(key))
                }),
                failing("get many keys")
              ),
            set: (key, value, ttl) => upsert(store, key, value, ttl).pipe(failing(`set key ${key}`)),
            setMany: (entries) =>
              Effect.suspend(() => {
                // One order for everybody, so that no two wait for each other; the last of several values of a key stays.
                const byKey = new Map(Arr.map(entries, (entry) => [entry[0], entry] as const))
                const ordered = [...byKey.values()].sort(([one], [other]) => one < other ? -1 : 1)
                return transaction(
                  client,
                  Effect.forEach(ordered, ([key, value, ttl]) => upsert(store, key, value, ttl), { discard: true })
                )
              }).pipe(failing("set many keys")),
            remove: (key) =>
              Effect.asVoid(sql`delete from ${table} where store_id = ${store} and id = ${key}`).pipe(
                failing(`remove key ${key}`)
              ),
            clear: Effect.asVoid(sql`delete from ${table} where store_id = ${store}`).pipe(failing("clear the store"))
          }
          return Effect.succeed(backing)
        }
      })
    })
  )
