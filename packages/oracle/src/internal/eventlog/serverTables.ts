/**
 * What both storages of an event log's server have in common: the server's id, the keys that clients signed on with, a row for each store
 * that its writers take turns on, and streams that go on as rows come.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { makeRemoteIdUnsafe, type RemoteId } from "effect/eventlog/EventJournal"
import * as PubSub from "effect/PubSub"
import * as RcMap from "effect/RcMap"
import * as Schedule from "effect/Schedule"
import * as Semaphore from "effect/Semaphore"
import type { SqlError } from "effect/sql/SqlError"
import * as Stream from "effect/Stream"
import { createHash } from "node:crypto"
import type { OracleClient } from "../../OracleClient.ts"
import { lookAgain, mayPass, retryUnique } from "../cluster/clusterSql.ts"

/**
 * What stands for a name of a client's in a column: that itself, or a digest, where it is empty, too long, or has half a surrogate pair, which
 * would become another character.
 */
export const keyOf = (name: string): string =>
  name.length >= 1 && name.length <= 255 && name.isWellFormed()
    ? name
    : `sha256 ${createHash("sha256").update(name, "utf16le").digest("hex")}`

/** How many rows one read of a stream brings. */
export const pageSize = 500

/** The columns of the tables that both have. `storeKey` is the type of what a store is known by. */
export const createServerTables = (sql: OracleClient, nameOf: (table: string) => string, storeKey: string) =>
  Effect.gen(function*() {
    yield* sql`create table ${sql(nameOf("server"))} (
      singleton number(1) not null primary key,
      remote_id raw(16) not null
    )`
    yield* sql`create table ${sql(nameOf("bindings"))} (
      public_key varchar2(500 char) not null primary key,
      signing_public_key raw(2000) not null
    )`
    yield* sql`create table ${sql(nameOf("stores"))} (
      store_id ${sql.literal(storeKey)} not null primary key,
      next_sequence number(19) not null
    )`
  })

/** The id of this server: made once, the same for all processes. */
export const serverId = (sql: OracleClient, nameOf: (table: string) => string): Effect.Effect<RemoteId, SqlError> => {
  const server = sql(nameOf("server"))
  const read = sql<{ readonly remote_id: Uint8Array }>`select remote_id from ${server} where singleton = 1`
  return Effect.gen(function*() {
    let [row] = yield* read
    if (row === undefined) {
      yield* Effect.catchIf(
        sql`insert into ${server} (singleton, remote_id) values (1, ${makeRemoteIdUnsafe()})`,
        ({ reason }) => reason._tag === "UniqueViolation",
        () => Effect.void
      )
      row = (yield* read)[0]
    }
    return Uint8Array.from(row!.remote_id) as RemoteId
  })
}

/** The key that a client signs on with: the first one that it came with. */
export const bindings = (sql: OracleClient, nameOf: (table: string) => string) => {
  const table = sql(nameOf("bindings"))
  const read = (publicKey: string) =>
    sql<
      { readonly signing_public_key: Uint8Array }
    >`select signing_public_key from ${table} where public_key = ${keyOf(publicKey)}`
  return (publicKey: string, signingPublicKey: Uint8Array<ArrayBuffer>): Effect.Effect<Uint8Array<ArrayBuffer>> =>
    Effect.gen(function*() {
      let [row] = yield* read(publicKey)
      if (row === undefined) {
        yield* Effect.catchIf(
          sql`insert into ${table} (public_key, signing_public_key) values (${keyOf(publicKey)}, ${signingPublicKey})`,
          ({ reason }) => reason._tag === "UniqueViolation",
          () => Effect.void
        )
        row = (yield* read(publicKey))[0]
      }
      return row === undefined ? signingPublicKey : Uint8Array.from(row.signing_public_key)
    }).pipe(Effect.orDie, Effect.withTracerEnabled(false))
}

/** Stores by what they are known by: their writers take turns, and their readers hear of what is committed. */
export const makeStores = Effect.fnUntraced(function*(
  sql: OracleClient,
  nameOf: (table: string) => string,
  pollInterval: Duration.Duration
) {
  const stores = sql(nameOf("stores"))
  const local = yield* RcMap.make({
    lookup: (_key: string) =>
      Effect.all({
        wakes: Effect.acquireRelease(PubSub.sliding<void>(1), PubSub.shutdown),
        turn: Semaphore.make(1)
      }),
    idleTimeToLive: "5 minutes"
  })

  /** Locks the store's row until the transaction ends, so sequences have the order of the commits; gives the next one. */
  const lock = (key: string | Uint8Array): Effect.Effect<number, SqlError> =>
    Effect.gen(function*() {
      const locked = sql<
        { readonly next_sequence: number }
      >`select next_sequence from ${stores} where store_id = ${key} for update`
      let [row] = yield* locked
      if (row === undefined) {
        yield* retryUnique(
          sql`merge into ${stores} t using (select ${key} as store_id from dual) s on (t.store_id = s.store_id)
            when not matched then insert (store_id, next_sequence) values (s.store_id, 1)`
        )
        row = (yield* locked)[0]
      }
      return row!.next_sequence
    })

  return {
    lock,

    /** Runs a write as a transaction, one at a time in this process. `write` gets the next sequence, and says which one follows. */
    write: <A, E, R>(
      name: string,
      key: string | Uint8Array,
      write: (next: number) => Effect.Effect<{ readonly result: A; readonly next: number }, E, R>
    ): Effect.Effect<A, E | SqlError, R> =>
      Effect.gen(function*() {
        const { turn, wakes } = yield* RcMap.get(local, name)
        const work = Effect.gen(function*() {
          const first = yield* lock(key)
          const { next, result } = yield* write(first)
          if (next > first) {
            yield* sql`update ${stores} set next_sequence = ${next} where store_id = ${key}`
            yield* sql.afterCommit(Effect.asVoid(PubSub.publish(wakes, undefined)))
          }
          return result
        }).pipe(sql.withTransaction)
        // Inside a transaction of the caller's another writer may wait for that one's row, not for its turn.
        const outer = yield* Effect.serviceOption(sql.transactionService)
        return yield* outer._tag === "Some" ? work : turn.withPermits(1)(work)
      }).pipe(Effect.scoped),

    /** What `read` gives from `start` on, and whatever is committed later: at once here, by polling from other processes. */
    follow: <A>(
      name: string,
      start: number,
      read: (from: number) => Effect.Effect<ReadonlyArray<A>, SqlError>,
      after: (last: A) => number
    ): Stream.Stream<A, SqlError> =>
      Stream.unwrap(
        Effect.gen(function*() {
          const { wakes } = yield* RcMap.get(local, name)
          const woken = yield* PubSub.subscribe(wakes)
          let from = start
          let isBehind = true
          let isBroken = false
          /** A reader that has begun waits while the database is out of reach. */
          const readOn = Effect.gen(function*() {
            const found = yield* read(from)
            isBroken = false
            return found
          }).pipe(
            Effect.tapError((error) => {
              if (isBroken || !mayPass(error)) return Effect.void
              isBroken = true
              return Effect.logWarning("Readers of an event log wait: its tables cannot be read", error)
            }),
            Effect.retry({ while: mayPass, schedule: Schedule.spaced(Duration.max(pollInterval, lookAgain)) })
          )
          let hasBegun = false
          const next = Effect.gen(function*() {
            for (;;) {
              if (!isBehind) yield* Effect.race(PubSub.take(woken), Effect.sleep(pollInterval))
              const found = yield* (hasBegun ? readOn : read(from))
              hasBegun = true
              isBehind = found.length >= pageSize
              if (found.length > 0) {
                from = after(found.at(-1)!)
                return found
              }
            }
          })
          return Stream.flattenIterable(Stream.fromEffectRepeat(next))
        })
      )
  }
})
