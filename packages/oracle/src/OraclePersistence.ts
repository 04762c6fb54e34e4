/**
 * Effect's stores of keys and of persisted results, in tables of Oracle.
 *
 * The SQL layers of `KeyValueStore` and `Persistence` in `effect` have text for five databases and none for Oracle, which knows
 * neither `TEXT` nor `ON CONFLICT`. These two are the same services with Oracle's own text.
 */
import * as Arr from "effect/Array"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Layer from "effect/Layer"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import * as Persistence from "effect/persistence/Persistence"
import * as Schedule from "effect/Schedule"
import type { SqlError } from "effect/sql/SqlError"
import type * as Statement from "effect/sql/Statement"
import { limit, lob, OracleClient } from "./OracleClient.ts"
import { isOracleError } from "./OracleError.ts"

/** What a bind holds without being a LOB. */
const longestBind = 4000

const encoder = new TextEncoder()
const decoder = new TextDecoder()

const isThere = (error: SqlError): boolean => {
  const { cause } = error.reason
  return isOracleError(cause) && cause.codes.includes("ORA-00955")
}

/** Oracle has `IF NOT EXISTS` from 23ai on only. */
const created = (statement: Statement.Statement<unknown>): Effect.Effect<void> =>
  Effect.orDie(Effect.catchIf(Effect.asVoid(statement), isThere, () => Effect.void))

/** Two that merge the same new key at once both insert: the second then finds it there. */
const merged = <A>(statement: Statement.Statement<A>): Effect.Effect<void, SqlError> =>
  Effect.asVoid(Effect.retry(statement, { times: 2, while: (error) => error.reason._tag === "UniqueViolation" }))

const bytesParameter = (bytes: Uint8Array): Uint8Array | Statement.Fragment =>
  bytes.length > longestBind ? lob("blob", bytes) : bytes

const textParameter = (text: string): string | Statement.Fragment =>
  text.length * 4 > longestBind ? lob("clob", text) : text

/**
 * A `KeyValueStore` in a table, which is created when it is not there.
 *
 * **Gotchas**
 *
 * To Oracle an empty text is no value at all, so an empty key is refused; empty values are kept.
 *
 * @example
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
          Effect.suspend(() => {
            const bytes = typeof value === "string" ? encoder.encode(value) : value
            const type = typeof value === "string" ? 0 : 1
            return merged(sql`merge into ${table} t using (select ${key} as id from dual) s on (t.id = s.id)
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
 * **Details**
 *
 * One table for all stores, created when it is not there. Results that have expired are not given, and are deleted every five
 * minutes, a thousand at a time.
 *
 * @example
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
 */
export const layerBacking = (
  options: { readonly table?: string | undefined } = {}
): Layer.Layer<Persistence.BackingPersistence, never, OracleClient> =>
  Layer.effect(
    Persistence.BackingPersistence,
    Effect.gen(function*() {
      const sql = (yield* OracleClient).withoutTransforms()
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
          catch: (cause) => new Persistence.PersistenceError({ message: "The stored value is no JSON", cause })
        })

      const upsert = (store: string, key: string, value: object, ttl: Duration.Duration | undefined) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) => {
          const expires = ttl === undefined || !Duration.isFinite(ttl) ? null : now + Duration.toMillis(ttl)
          const text = JSON.stringify(value)
          return merged(sql`merge into ${table} t using (select ${store} as store_id, ${key} as id from dual) s
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
              sql.withTransaction(
                Effect.forEach(entries, ([key, value, ttl]) => upsert(store, key, value, ttl), { discard: true })
              ).pipe(failing("set many keys")),
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
