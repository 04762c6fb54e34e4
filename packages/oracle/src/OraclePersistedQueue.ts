/**
 * The store of Effect's persisted queues in a table of Oracle.
 *
 * An element is taken under a lock that is renewed while it is being worked on. When its process dies, the lock lapses and
 * another takes the element. The database's clock in UTC decides about locks and delays, so the clocks of processes do not matter.
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as PersistedQueue from "effect/persistence/PersistedQueue"
import * as Predicate from "effect/Predicate"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import type { MigrationError } from "effect/sql/Migrator"
import type { SqlError } from "effect/sql/SqlError"
import { randomUUID } from "node:crypto"
import {
  deleteInPieces,
  inPieces,
  longText,
  lookAgain,
  mayPass,
  utcAgo,
  utcFromNow,
  utcNow
} from "./internal/cluster/clusterSql.ts"
import { checkOptions, interval, nameBefore, runMigrations } from "./internal/cluster/storeOptions.ts"
import { OracleClient } from "./OracleClient.ts"
import * as OracleMigrator from "./OracleMigrator.ts"

/**
 * Options of the store.
 *
 * **Details**
 *
 * - `tableName`: default `effect_queue`. Its migrations' journal has the same name with `_migrations`.
 * - `pollInterval`: how often an empty queue is looked at; default 1 second. What this process offers is found at once.
 * - `lockRefreshInterval`: how often locks of elements that are worked on are renewed; default 30 seconds, and never less often than
 *   three times in `lockExpiration`.
 * - `lockExpiration`: how long a lock that is not renewed holds; default 2 minutes, at most a year.
 *
 * @category models
 * @since 0.2.0
 */
export interface StoreOptions {
  readonly tableName?: string | undefined
  readonly pollInterval?: Duration.Input | undefined
  readonly lockRefreshInterval?: Duration.Input | undefined
  readonly lockExpiration?: Duration.Input | undefined
}

interface Element {
  readonly seq: string
  readonly id: string
  readonly element: string
  readonly attempts: number
  /** Of this acquisition alone: a settlement never hits a later one. */
  readonly lock: string
}

/** The factory's word that an element cannot be read and must not be tried again. It is private there; its tag is not. */
const deadLetterOf = (cause: Cause.Cause<unknown>): Cause.Cause<unknown> | undefined => {
  const found = cause.reasons.find((reason) =>
    Cause.isFailReason(reason) && Predicate.isTagged(reason.error, "~effect/persistence/PersistedQueue/DeadLetter")
  )
  return found !== undefined && Cause.isFailReason(found) && Predicate.hasProperty(found.error, "cause")
    ? found.error.cause as Cause.Cause<unknown>
    : undefined
}

/** To Oracle an empty text is none, and these have a column of 255 characters. Two halves of surrogate pairs would become one character. */
const nameProblem = (what: string, text: string): string | undefined =>
  text.length < 1 || text.length > 255
    ? `The ${what} has ${text.length} characters, and must have 1 to 255`
    : text.isWellFormed()
    ? undefined
    : `The ${what} has half a surrogate pair, which a database cannot store as text`

/** The most attempts that their column can count. */
const mostAttempts = 1_000_000_000

const failure = (message: string) => (cause: unknown) => new PersistedQueue.PersistedQueueError({ message, cause })

/**
 * The store; its table is created before.
 *
 * **When to use**
 *
 * Use where the store is made in a scope of your own; {@link layerStore} is the same as a layer.
 *
 * @category constructors
 * @since 0.2.0
 */
export const makeStore: (
  options?: StoreOptions
) => Effect.Effect<
  PersistedQueue.PersistedQueueStore["Service"],
  MigrationError | SqlError,
  OracleClient | Scope.Scope
> = Effect.fnUntraced(function*(options?: StoreOptions) {
  const sql = (yield* OracleClient).withoutTransforms()
  const {
    lockExpiration = Duration.minutes(2),
    pollInterval = Duration.seconds(1),
    tableName = "effect_queue",
    ...rest
  } = yield* checkOptions(
    "OraclePersistedQueue",
    {
      tableName: nameBefore("_migrations_lock"),
      pollInterval: interval,
      lockRefreshInterval: interval,
      lockExpiration: interval
    },
    options
  )
  const table = sql(tableName)
  // A lock that is renewed less often than it lapses would let two work on one element.
  const lockRefreshInterval = Duration.min(
    rest.lockRefreshInterval ?? Duration.seconds(30),
    Duration.max(Duration.divideUnsafe(lockExpiration, 3), Duration.millis(1))
  )
  const now = sql.literal(utcNow)
  const free = sql.literal(`acquired_at is null or acquired_at < ${utcAgo(Duration.toSeconds(lockExpiration))}`)

  yield* runMigrations("OraclePersistedQueue", {
    loader: migrations(tableName),
    journal: `${tableName}_migrations`,
    longest: `${tableName}_migrations_lock`,
    tables: [tableName]
  })

  /** What this store works on. */
  const held = new Set<Element>()

  yield* Effect.suspend(() =>
    inPieces([...held], (some) =>
      Effect.as(
        sql`update ${table} set acquired_at = ${now}
          where ${sql.in("seq", some.map(({ seq }) => seq))} and ${
          sql.in("acquired_by", some.map(({ lock }) => lock))
        }`,
        []
      ))
  ).pipe(
    Effect.catchCause((cause) => Effect.logWarning("The locks of queue elements could not be renewed", cause)),
    Effect.schedule(Schedule.fixed(lockRefreshInterval)),
    Effect.forkScoped
  )

  /** What ends an acquisition is tried until its lock would have lapsed anyway. */
  const settling = Schedule.min([Schedule.exponential(200, 1.5), Schedule.spaced(5000)]).pipe(
    Schedule.upTo({ duration: lockExpiration })
  )
  const settle = (element: Element, statement: Effect.Effect<unknown, SqlError>): Effect.Effect<void> =>
    statement.pipe(
      Effect.retry(settling),
      Effect.orDie,
      Effect.ensuring(Effect.sync(() => held.delete(element))),
      Effect.asVoid
    )

  const complete = (element: Element) =>
    settle(
      element,
      sql`update ${table} set acquired_at = null, acquired_by = null, updated_at = ${now}, state = 'completed'
        where seq = ${element.seq} and acquired_by = ${element.lock}`
    )
  const fail = (element: Element, cause: Cause.Cause<unknown>) =>
    settle(
      element,
      sql`update ${table} set acquired_at = null, acquired_by = null, updated_at = ${now}, state = 'failed',
        last_failure = ${longText(Cause.pretty(cause))} where seq = ${element.seq} and acquired_by = ${element.lock}`
    )
  const retry = (element: Element, delay: Duration.Duration, cause: Cause.Cause<unknown>) =>
    settle(
      element,
      sql`update ${table} set acquired_at = null, acquired_by = null, updated_at = ${now},
        visible_at = ${sql.literal(utcFromNow(Duration.toSeconds(delay)))}, last_failure = ${
        longText(Cause.pretty(cause))
      }
        where seq = ${element.seq} and acquired_by = ${element.lock}`
    )
  /** An interruption is no attempt. */
  const givenBack = (lock: string) =>
    sql`update ${table} set acquired_at = null, acquired_by = null, attempts = attempts - 1
      where acquired_by = ${lock} and state = 'pending'`
  const giveBack = (lock: string) => Effect.ignore(givenBack(lock))

  /** No end of a handler will ever come for what lapsed after its last attempt. */
  const failLapsed = (name: string, maxAttempts: number) =>
    sql`update ${table} set state = 'failed', acquired_at = null, acquired_by = null, updated_at = ${now},
      last_failure = nvl(last_failure, 'The lock lapsed after the last attempt')
      where queue_name = ${name} and state = 'pending' and attempts >= ${maxAttempts} and (${free})`

  /** Takes the oldest that is due. The inner query orders, the outer one locks; its conditions are checked again there. */
  const claim = (name: string, maxAttempts: number, lock: string): Effect.Effect<Element | undefined, SqlError> =>
    Effect.gen(function*() {
      const [row] = yield* sql<Omit<Element, "lock">>`select to_char(seq) as seq, id, element, attempts from ${table}
        where rowid in (
          select rid from (
            select rowid as rid from ${table}
            where queue_name = ${name} and state = 'pending' and attempts < ${maxAttempts} and visible_at <= ${now}
              and (${free})
            order by visible_at, seq
          ) where rownum <= 1
        ) and state = 'pending' and (${free})
        for update skip locked`
      if (row === undefined) return undefined
      yield* sql`update ${table} set acquired_at = ${now}, acquired_by = ${lock}, attempts = attempts + 1
        where seq = ${row.seq}`
      return { ...row, attempts: row.attempts + 1, lock }
    }).pipe(sql.withTransaction)

  interface QueueState {
    /** One taker of this process looks at the table; the others wait for their turn. */
    readonly turn: Semaphore.Semaphore
    readonly offered: Latch.Latch
    lapsedAreFailed: boolean
  }
  const queues = new Map<string, QueueState>()
  const queueOf = (name: string): QueueState => {
    const known = queues.get(name)
    if (known !== undefined) return known
    const made = { turn: Semaphore.makeUnsafe(1), offered: Latch.makeUnsafe(false), lapsedAreFailed: false }
    queues.set(name, made)
    return made
  }

  const next = (name: string, maxAttempts: number, lock: string): Effect.Effect<Element, SqlError> => {
    const queue = queueOf(name)
    /** The answer to a claim may be lost, and the claim be there. */
    let mayHold = false
    const look = Effect.gen(function*() {
      for (;;) {
        queue.offered.closeUnsafe()
        if (mayHold) yield* givenBack(lock)
        mayHold = true
        if (!queue.lapsedAreFailed) {
          yield* failLapsed(name, maxAttempts)
          queue.lapsedAreFailed = true
        }
        const found = yield* claim(name, maxAttempts, lock)
        if (found !== undefined) return found
        mayHold = false
        yield* Effect.race(Effect.sleep(pollInterval), queue.offered.await)
        queue.lapsedAreFailed = false
      }
    })
    return queue.turn.withPermits(1)(
      look.pipe(
        Effect.tapError((error) => Effect.logWarning(`The queue ${name} could not be looked at`, error)),
        Effect.retry({ while: mayPass, schedule: Schedule.spaced(lookAgain) })
      )
    )
  }

  const take = (taken: {
    readonly name: string
    readonly maxAttempts: number
    readonly retryDelay: (attempts: number) => Effect.Effect<Duration.Duration>
  }): Effect.Effect<
    { readonly id: string; readonly attempts: number; readonly element: unknown },
    PersistedQueue.PersistedQueueError,
    Scope.Scope
  > =>
    Effect.uninterruptibleMask((restore) =>
      Effect.gen(function*() {
        const problem = nameProblem("queue's name", taken.name)
        if (problem !== undefined) return yield* new PersistedQueue.PersistedQueueError({ message: problem })
        const maxAttempts = Math.min(taken.maxAttempts, mostAttempts)
        for (;;) {
          const lock = randomUUID()
          const element = yield* restore(next(taken.name, maxAttempts, lock)).pipe(
            // An interruption may come after the row was locked, or while the commit's answer is on its way.
            Effect.onInterrupt(() => giveBack(lock)),
            Effect.mapError(failure("Failed to take from the persisted queue"))
          )
          held.add(element)
          const parsed = yield* Effect.exit(
            Effect.try({ try: (): unknown => JSON.parse(element.element), catch: failure("no JSON") })
          )
          if (Exit.isFailure(parsed)) {
            yield* fail(element, parsed.cause)
            continue
          }
          yield* Effect.addFinalizer((exit) => {
            if (Exit.isSuccess(exit)) return complete(element)
            const dead = deadLetterOf(exit.cause)
            if (dead !== undefined) return fail(element, dead)
            if (Cause.hasInterruptsOnly(exit.cause)) {
              return Effect.andThen(giveBack(element.lock), Effect.sync(() => held.delete(element)))
            }
            if (element.attempts >= taken.maxAttempts) return fail(element, exit.cause)
            return Effect.flatMap(taken.retryDelay(element.attempts), (delay) => retry(element, delay, exit.cause))
          })
          return { id: element.id, attempts: element.attempts, element: parsed.value }
        }
      })
    )

  const cleanState = (state: string, timeToLive: Duration.Duration) =>
    deleteInPieces(
      sql,
      table,
      sql`state = ${state} and updated_at <= ${sql.literal(utcAgo(Duration.toSeconds(timeToLive)))}`
    )

  return PersistedQueue.PersistedQueueStore.of({
    offer: ({ delay, element, id, name }) => {
      const problem = nameProblem("id", id) ?? nameProblem("queue's name", name)
      if (problem !== undefined) return Effect.fail(new PersistedQueue.PersistedQueueError({ message: problem }))
      return Effect.suspend(() =>
        sql`insert into ${table} (id, queue_name, state, attempts, visible_at, created_at, updated_at, element)
          values (${id}, ${name}, 'pending', 0,
            ${sql.literal(delay === undefined ? utcNow : utcFromNow(Duration.toSeconds(delay)))}, ${now}, ${now},
            ${longText(JSON.stringify(element))})`
      ).pipe(
        // The same element was offered before.
        Effect.catchIf((error) => error.reason._tag === "UniqueViolation", () => Effect.void),
        Effect.catchCause((cause) =>
          Effect.fail(failure("Failed to offer to the persisted queue")(Cause.squash(cause)))
        ),
        Effect.andThen(sql.afterCommit(Effect.sync(() => void queues.get(name)?.offered.openUnsafe()))),
        Effect.asVoid
      )
    },
    take,
    cleanup: ({ failedTimeToLive, timeToLive }) =>
      cleanState("completed", timeToLive).pipe(
        Effect.andThen(failedTimeToLive === undefined ? Effect.void : cleanState("failed", failedTimeToLive)),
        Effect.mapError(failure("Failed to clean up the persisted queue")),
        Effect.asVoid
      )
  })
})

/**
 * The migrations of the store's table, for a migrator of your own.
 *
 * **When to use**
 *
 * Use where migrations of the application and of the store are run by one migrator.
 *
 * @category migrations
 * @since 0.2.0
 */
export const migrations = (tableName: string = "effect_queue") =>
  OracleMigrator.fromRecord({
    "1_create_table": Effect.gen(function*() {
      const sql = (yield* OracleClient).withoutTransforms()
      yield* sql`create table ${sql(tableName)} (
        seq number(19) generated always as identity primary key,
        id varchar2(255 char) not null,
        queue_name varchar2(255 char) not null,
        state varchar2(10) not null,
        attempts number(10) not null,
        visible_at timestamp(3) not null,
        acquired_at timestamp(3),
        acquired_by varchar2(36),
        created_at timestamp(3) not null,
        updated_at timestamp(3) not null,
        element clob not null,
        last_failure clob,
        unique (id, queue_name)
      )`
      yield* sql`create index ${sql(`${tableName}_take`)} on ${sql(tableName)} (queue_name, state, visible_at)`
    })
  })

/**
 * The store as a layer, for `PersistedQueue.layer`.
 *
 * **When to use**
 *
 * Use for background work that must survive a restart, in a table of its own. For queues of Oracle's own (AQ) use
 * `OracleQueue`.
 *
 * **Details**
 *
 * A taker waits through an outage of the database: it logs a warning and looks again every half second. It fails with `PersistedQueueError` where
 * waiting does not help, such as without the table, and for a name that its column cannot keep.
 *
 * **Gotchas**
 *
 * An element is worked on at least once: when a process dies, or is cut off from the database for longer than `lockExpiration`,
 * another takes what it held. Make handlers so that they may run twice.
 *
 * **Example** (Queues in the database)
 *
 * ```ts
 * import { OracleClient, OraclePersistedQueue } from "@sessionpool/oracle"
 * import { Layer } from "effect"
 * import { PersistedQueue } from "effect/persistence"
 *
 * const queues = PersistedQueue.layer.pipe(
 *   Layer.provide(OraclePersistedQueue.layerStore()),
 *   Layer.provide(OracleClient.layer({ connectString: "localhost/FREEPDB1", user: "scott" }))
 * )
 * ```
 *
 * @category layers
 * @since 0.2.0
 */
export const layerStore = (
  options?: StoreOptions
): Layer.Layer<PersistedQueue.PersistedQueueStore, MigrationError | SqlError, OracleClient> =>
  Layer.effect(PersistedQueue.PersistedQueueStore, makeStore(options))
