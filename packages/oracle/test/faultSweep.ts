/**
 * A sweep of faults: the connection ends, or falls silent, after every k-th byte of what a phase of a lease sends or receives,
 * and each time the pool has to come out of it whole. Used by a test that is coarse and by a long run that goes byte by byte.
 */
import { type OracleConnection, OracleLob, OracleSessionPool } from "@sessionpool/oracle"
import { Fault, OracleServer } from "@sessionpool/oracle-server"
import { Cause, Duration, Effect, Exit, Fiber, Redacted, References, Schedule, Stream } from "effect"

/** What a lease is doing when its connection goes. */
export type Phase = "connect" | "query" | "fetch" | "commit" | "release"

export const phases: ReadonlyArray<Phase> = ["connect", "query", "fetch", "commit", "release"]

/** `cut` closes and resets in turn; `stall` lets nothing through any more and keeps the connection open. */
export type Ending = "cut" | "stall"

export type Direction = "toClient" | "toServer"

/** One pass over the bytes of a phase. */
export interface Pass {
  readonly phase: Phase
  readonly direction: Direction
  readonly ending: Ending
  /** Every so many bytes. */
  readonly step: number
}

export interface Sweep extends Pass {
  /** How many bytes the phase has in this direction. */
  readonly bytes: number
  /** How many offsets were tried. */
  readonly offsets: number
  /** How often the work ended how: `"success"`, or the tag and the code of its error. */
  readonly outcomes: ReadonlyMap<string, number>
  /** Commits whose outcome is unknown, and how many of them had happened. */
  readonly inDoubt: { readonly commits: number; readonly happened: number }
  /** What must not be. Empty when all is well. */
  readonly problems: ReadonlyArray<string>
  readonly slowestMillis: number
  readonly millis: number
}

type Pool = OracleSessionPool.Pool
type Connection = OracleConnection.OracleConnection
type Failure = Effect.Error<ReturnType<typeof stages[Phase]>>

const one = "select 1 as one from dual"

const script = `
  create table swept (id number primary key, note varchar2(20));
  create table documents (id number primary key, body clob);
  insert into documents values (1, '${"All that is read slowly. ".repeat(16)}')`

/** The work of a phase; `armed` puts the fault in force at the place where the phase begins. */
const stages = {
  connect: ({ armed, pool }: Stage) => Effect.andThen(armed(), pool.use((held) => held.query(one))),
  query: ({ armed, pool }: Stage) =>
    pool.use((held) =>
      Effect.andThen(armed(held), held.query("select :a + 1 as b, :t as t from dual", { a: 41, t: "text" }))
    ),
  fetch: ({ armed, pool }: Stage) =>
    pool.use((held) =>
      Effect.gen(function*() {
        yield* armed(held)
        const numbers = held.queryStream("select level as n from dual connect by level <= 40", [], {
          fetchArraySize: 10
        })
        const count = yield* Stream.runCount(numbers)
        const [row] = yield* held.query("select body from documents", [], { lobs: "handle" })
        const body = row?.["BODY"]
        if (!(body instanceof OracleLob.OracleLob)) return yield* Effect.die("no LOB came")
        const text = yield* body.text
        if (count !== 40 || text.length !== 400) return yield* Effect.die(`${count} rows, ${text.length} characters`)
      })
    ),
  commit: ({ armed, id, pool }: Stage) =>
    pool.use((held) =>
      Effect.andThen(
        armed(held),
        held.withTransaction(held.execute("insert into swept values (:id, :note)", { id, note: "committed" }))
      )
    ),
  /** The end of the lease rolls back. */
  release: ({ armed, id, pool }: Stage) =>
    pool.use((held) =>
      Effect.andThen(held.execute("insert into swept values (:id, :note)", { id, note: "undone" }), armed(held))
    )
}

interface Stage {
  readonly pool: Pool
  /** Puts the fault in force; on a connection, where the phase has one. */
  readonly armed: (held?: Connection) => Effect.Effect<void>
  readonly id: number
}

/** While the fault is in force nobody waits long; afterwards a busy machine gets all the time that it wants. */
const impatient = { openTimeout: "60 millis", pingTimeout: "60 millis", closeTimeout: "60 millis" } as const
const patient = { openTimeout: "10 seconds", pingTimeout: "10 seconds", closeTimeout: "10 seconds" } as const

/** No step of a trial may take longer; a fault costs some hundred milliseconds at most. */
const bound = "8 seconds"

const typed: ReadonlySet<string> = new Set(["OracleError", "OpenSessionError", "AcquireTimeoutError"])

const nameOf = (exit: Exit.Exit<unknown, Failure>): string => {
  if (Exit.isSuccess(exit)) return "success"
  const failed = exit.cause.reasons.find(Cause.isFailReason)
  if (failed === undefined) return `untyped: ${Cause.pretty(exit.cause)}`
  const { error } = failed
  return error._tag === "OracleError" ? `OracleError ${error.code ?? "without a code"}` : error._tag
}

const errorOf = (exit: Exit.Exit<unknown, Failure>) =>
  Exit.isFailure(exit) ? exit.cause.reasons.find(Cause.isFailReason)?.error : undefined

/** `effect` when it ends in time, without waiting for what cannot be interrupted either. */
const bounded = Effect.fnUntraced(function*<A, E, R>(what: string, effect: Effect.Effect<A, E, R>) {
  const fiber = yield* Effect.forkDetach(effect)
  return yield* Effect.timeoutOrElse(Fiber.join(fiber), {
    duration: bound,
    orElse: () => Effect.die(`${what} did not end within ${bound}`)
  })
})

class Swept {
  readonly outcomes = new Map<string, number>()
  readonly problems: Array<string> = []
  readonly inDoubt = { commits: 0, happened: 0 }
  slowestMillis = 0

  note(outcome: string): void {
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1)
  }
}

/** One offset: the fault, what comes of the work, and whether everything is as it should be after it. */
const trial = Effect.fnUntraced(function*(
  { pool, server, swept }: { readonly pool: Pool; readonly server: OracleServer.Service; readonly swept: Swept },
  pass: Pass,
  offset: { readonly after: number; readonly number: number }
) {
  const { direction, ending, phase } = pass
  const problem = (text: string) =>
    swept.problems.push(`${phase} ${direction} ${ending} after ${offset.after}: ${text}`)
  const then = ending === "stall" ? "hang" : offset.number % 2 === 0 ? "close" : "reset"
  const armed = Effect.fnUntraced(function*(held?: Connection) {
    if (ending === "stall") {
      yield* pool.reconfigure(impatient)
      if (held !== undefined) yield* held.setCallTimeout("40 millis")
    }
    yield* server.inject(
      Fault.cut({ direction, after: offset.after, then, since: phase === "connect" ? "connect" : "now" })
    )
  }, Effect.orDie)
  // Every trial begins with a session that has done nothing yet, or with none.
  const begun = pool.acquire().pipe(
    Effect.flatMap((held) => phase === "connect" ? pool.drop(held) : held.ping),
    Effect.scoped
  )
  yield* bounded("the beginning", begun)
  const id = offset.number
  const [took, exit] = yield* Effect.timed(
    Effect.exit(bounded("the work", stages[phase]({ armed, id, pool }) as Effect.Effect<unknown, Failure>))
  )
  swept.slowestMillis = Math.max(swept.slowestMillis, Duration.toMillis(took))
  yield* server.clearFaults
  yield* Effect.orDie(pool.reconfigure(patient))
  const outcome = nameOf(exit)
  swept.note(outcome)
  const error = errorOf(exit)
  if (Exit.isFailure(exit) && (error === undefined || !typed.has(error._tag))) problem(outcome)

  const counted = "select count(*) as n from swept where id = :id"
  // A silent network is noticed by nobody who waits without a limit.
  const limit = ending === "stall" && Exit.isSuccess(exit) ? "500 millis" : "infinity"
  const next = pool.use((held) => Effect.andThen(held.setCallTimeout(limit), held.query(counted, { id })))
  // A session that dies at the very moment it comes back is lent once more before that is known.
  const isLate = Exit.isSuccess(exit)
    ? (lost: Effect.Error<typeof next>) => lost._tag === "OracleError" && lost.isSessionFatal
    : () => false
  const [row] = yield* bounded("the next query", Effect.catchIf(next, isLate, () => next))
  const happened = row?.["N"] === 1
  if (phase === "release" && happened) problem("work that nobody committed was committed")
  if (phase === "commit") {
    if (Exit.isSuccess(exit) && !happened) problem("the commit succeeded and did not happen")
    if (error?._tag === "OracleError") {
      if (error.isCommitInDoubt) {
        swept.inDoubt.commits++
        if (happened) swept.inDoubt.happened++
        if (!error.isSessionFatal || error.isRetryable) problem("a commit in doubt would be done again")
      } else if (happened) problem(`what is said to have failed (${outcome}) was committed`)
    }
  }
  const { busy, opening, pending } = yield* pool.statistics
  if (busy + pending + opening > 0) problem(`${busy} busy, ${pending} pending, ${opening} opening`)
  yield* bounded("the pool's closing of lost sessions", balanced(pool, server)).pipe(
    Effect.catchDefect((defect) => Effect.sync(() => problem(String(defect))))
  )
  // The statement cache of a session that survived would make the next trial another one.
  yield* bounded("the drop", Effect.scoped(Effect.flatMap(pool.acquire(), pool.drop)))
})

const often = Schedule.spaced("2 millis")

/** The server has the sessions that the pool has, and no other connection. */
const balanced = (pool: Pool, server: OracleServer.Service) =>
  Effect.gen(function*() {
    const { opened } = yield* pool.statistics
    const { openConnections } = yield* server.counters
    const { length } = yield* server.sessions
    return openConnections === opened && length === opened
  }).pipe(Effect.repeat({ schedule: often, until: (isBalanced) => isBalanced }))

/** How many bytes the phase takes when nothing goes wrong. */
const measure = Effect.fnUntraced(function*(pool: Pool, server: OracleServer.Service, { direction, phase }: Pass) {
  const traffic = Effect.map(
    server.counters,
    ({ bytesReceived, bytesSent }) => direction === "toClient" ? bytesSent : bytesReceived
  )
  let before = 0
  const armed = () =>
    Effect.map(traffic, (bytes) => {
      before = bytes
    })
  if (phase === "connect") {
    yield* Effect.scoped(Effect.andThen(armed(), pool.acquire()))
  } else {
    yield* pool.use((held) => held.ping)
    yield* stages[phase]({ armed, id: 0, pool })
  }
  const bytes = (yield* traffic) - before
  yield* Effect.scoped(Effect.flatMap(pool.acquire(), pool.drop))
  return bytes
})

/** Goes over the bytes of one phase in one direction, with a server and a pool of its own. */
export const sweep = Effect.fnUntraced(function*(pass: Pass) {
  const swept = new Swept()
  const began = performance.now()
  const server = yield* OracleServer.make({ users: { scott: "tiger" }, script, logCapacity: 0 })
  const { bytes, offsets } = yield* Effect.scoped(Effect.gen(function*() {
    const pool: Pool = yield* OracleSessionPool.make({
      connectString: server.connectString,
      user: "scott",
      password: Redacted.make("tiger"),
      max: 2,
      getMode: "timedWait",
      waitTimeout: "6 seconds",
      openRetry: Schedule.spaced("5 millis"),
      ...patient
    })
    const bytes = yield* measure(pool, server, pass)
    let number = 0
    for (let after = 0; after <= bytes; after += pass.step) {
      yield* trial({ pool, server, swept }, pass, { after, number: ++number })
    }
    return { bytes, offsets: number }
  })).pipe(Effect.provideService(References.MinimumLogLevel, "Error"))
  const left = Effect.gen(function*() {
    const { openConnections } = yield* server.counters
    const { length } = yield* server.sessions
    return openConnections + length
  })
  // The server hears of the end of a socket a moment later.
  yield* left.pipe(
    Effect.repeat({ schedule: often, until: (count) => count === 0 }),
    (emptied) => bounded("the end of all connections", emptied),
    Effect.catchDefect((defect) => Effect.sync(() => swept.problems.push(`${pass.phase}: ${String(defect)}`)))
  )
  const { inDoubt, outcomes, problems, slowestMillis } = swept
  const result: Sweep = {
    ...pass,
    bytes,
    offsets,
    outcomes,
    inDoubt,
    problems,
    slowestMillis,
    millis: performance.now() - began
  }
  return result
}, Effect.scoped)

/** One line of a report. */
export const describeSweep = (result: Sweep): string => {
  const outcomes = [...result.outcomes].toSorted(([, a], [, b]) => b - a).map(([name, count]) => `${count} ${name}`)
  const doubt = result.inDoubt.commits === 0
    ? ""
    : `; ${result.inDoubt.commits} commits in doubt, of which ${result.inDoubt.happened} had happened`
  return `${result.phase} ${result.direction} ${result.ending}: ${result.offsets} offsets of ${result.bytes} bytes ` +
    `(k = ${result.step}) in ${(result.millis / 1000).toFixed(1)} s, slowest ${result.slowestMillis.toFixed(0)} ms: ` +
    outcomes.join(", ") + doubt
}
