/**
 * Shards held by locks of DBMS_LOCK on a session that is kept for them: they end with the session, so a runner that dies has lost them at
 * once, and none can be taken from one whose session lives.
 *
 * Who owns what: a kept session owns the shards that it holds, in `held`, which changes only when the database has answered. An operation
 * that fails, or whose answer does not come, leaves it unknown what is held: the session is closed then, and with it go all its locks.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import type { SqlError } from "effect/sql/SqlError"
import { createHash } from "node:crypto"
import * as OracleBind from "../../OracleBind.ts"
import type { OracleClient } from "../../OracleClient.ts"
import type { OracleConnection } from "../../OracleConnection.ts"
import { asSqlError } from "../sqlReason.ts"
import type { ShardLocks } from "./leaseLocks.ts"

/** A name's number may be given to another name when it was not asked for in this time (31 years): it must stay that of its shard. */
const nameLifetime = 1_000_000_000

const longestName = 128

/** Names are those of the whole database. */
const lockName = (prefix: string, shardId: string): string => {
  const name = `effect cluster ${prefix} ${shardId}`
  return Buffer.byteLength(name) <= longestName
    ? name
    : `effect cluster ${createHash("sha256").update(name, "utf8").digest("hex")}`
}

interface Kept {
  readonly connection: OracleConnection
  readonly scope: Scope.Closeable
  readonly held: Set<string>
}

const out = { name: "handle", result: "result" } as const

/** Where the answers of a call for each row stand. */
const answers = <A>(outBinds: ReadonlyArray<unknown>, name: string): ReadonlyArray<A> =>
  outBinds.map((row) => (row as Readonly<Record<string, A>>)[name]!)

/** `prefix` tells the locks of one cluster from those of others in the same database. */
export const makeSessionLocks = Effect.fnUntraced(function*(sql: OracleClient, prefix: string) {
  const { pool } = sql
  const gate = yield* Semaphore.make(1)
  const handles = new Map<string, string>()
  const kept = new Map<string, Kept>()

  /** Closes a session with all its locks; it does not go back to the pool. */
  const close = (address: string, session: Kept) =>
    Effect.suspend(() => {
      if (kept.get(address) === session) kept.delete(address)
      return Effect.ensuring(Effect.ignore(pool.drop(session.connection)), Scope.close(session.scope, Exit.void))
    })

  const opened = (address: string): Effect.Effect<Kept, SqlError> =>
    Effect.gen(function*() {
      const known = kept.get(address)
      if (known !== undefined) return known
      const scope = yield* Scope.make()
      const connection = yield* asSqlError("acquireConnection")(pool.acquire()).pipe(
        Scope.provide(scope),
        Effect.onError(() => Scope.close(scope, Exit.void))
      )
      const session: Kept = { connection, scope, held: new Set() }
      kept.set(address, session)
      return session
    })

  /** One operation at a time: what is held is known before and after each. */
  const using = <A>(
    address: string,
    session: Effect.Effect<Kept | undefined, SqlError>,
    otherwise: A,
    work: (session: Kept) => Effect.Effect<A, SqlError>
  ): Effect.Effect<A, SqlError> =>
    gate.withPermits(1)(
      Effect.uninterruptibleMask((restore) =>
        Effect.flatMap(restore(session), (found) =>
          found === undefined
            ? Effect.succeed(otherwise)
            : Effect.onError(restore(work(found)), () => close(address, found)))
      )
    )
  const existing = (address: string) => Effect.sync(() => kept.get(address))

  const allocate = (connection: OracleConnection, shardIds: ReadonlyArray<string>) =>
    Effect.gen(function*() {
      const fresh = shardIds.filter((shardId) => !handles.has(shardId))
      if (fresh.length === 0) return
      const { outBinds } = yield* connection.executeMany(
        `begin dbms_lock.allocate_unique(:name, :${out.name}, ${nameLifetime}); end;`,
        fresh.map((shardId) => ({
          name: OracleBind.input("string", lockName(prefix, shardId), { maxSize: 4 * longestName }),
          [out.name]: OracleBind.out("string", { maxSize: 128 })
        }))
      )
      answers<string>(outBinds, out.name).forEach((handle, index) => handles.set(fresh[index]!, handle))
    })

  const call = (connection: OracleConnection, body: string, shardIds: ReadonlyArray<string>) =>
    Effect.map(
      connection.executeMany(
        `begin :${out.result} := dbms_lock.${body}; end;`,
        shardIds.map((shardId) => ({
          [out.result]: OracleBind.out("number"),
          [out.name]: OracleBind.input("string", handles.get(shardId)!, { maxSize: 128 })
        }))
      ),
      ({ outBinds }) => answers<number>(outBinds, out.result)
    )

  const releasing = ({ connection, held }: Kept, shardIds: ReadonlyArray<string>) =>
    shardIds.length === 0
      ? Effect.void
      : Effect.map(call(connection, `release(:${out.name})`, shardIds), () => {
        for (const shardId of shardIds) held.delete(shardId)
      })

  yield* Effect.addFinalizer(() =>
    Effect.forEach([...kept], ([address, session]) => close(address, session), { discard: true })
  )

  // Fails at once where DBMS_LOCK cannot be called.
  yield* asSqlError("execute")(pool.use((connection) => allocate(connection, [""])))

  const locks: ShardLocks<SqlError> = {
    acquire: (address, shardIds) =>
      using(address, opened(address), [], (session) =>
        Effect.gen(function*() {
          const { connection, held } = session
          const wanted = shardIds.filter((shardId) => !held.has(shardId))
          if (wanted.length > 0) {
            yield* allocate(connection, wanted)
            // 0: taken; 4: this session had it.
            const taken = yield* call(connection, `request(:${out.name}, 6, 0, false)`, wanted)
            taken.forEach((code, index) => {
              if (code === 0 || code === 4) held.add(wanted[index]!)
            })
          }
          return shardIds.filter((shardId) => held.has(shardId))
        }).pipe(asSqlError("execute"))),

    // A session that answers has not lost a lock.
    refresh: (address, shardIds) =>
      using(address, existing(address), [], (session) =>
        Effect.map(
          asSqlError("execute")(session.connection.ping),
          () => shardIds.filter((shardId) => session.held.has(shardId))
        )),

    release: (address, shardId) =>
      using(
        address,
        existing(address),
        undefined,
        (session) => asSqlError("execute")(releasing(session, session.held.has(shardId) ? [shardId] : []))
      ),

    releaseAll: (address) =>
      using(
        address,
        existing(address),
        undefined,
        (session) => asSqlError("execute")(releasing(session, [...session.held]))
      )
  }
  return locks
})
