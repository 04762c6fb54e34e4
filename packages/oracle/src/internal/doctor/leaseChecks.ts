/** Checks of what a lease promises: a clean session, tags, purity, statements that can be stopped. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { OracleConnection } from "../../OracleConnection.ts"
import { type Check, CheckError, failed, ok, skipped, warning } from "./finding.ts"
import { type Probe, sidOf, valueOf } from "./probe.ts"

/** A call that takes long at the server, by whichever package the user may run. */
const sleepers = (seconds: number) => [
  `begin dbms_session.sleep(${seconds}); end;`,
  `begin dbms_lock.sleep(${seconds}); end;`
]

const sleep = (connection: OracleConnection, seconds: number): Effect.Effect<unknown, unknown> =>
  sleepers(seconds).reduceRight<Effect.Effect<unknown, unknown>>(
    (otherwise, sql) =>
      Effect.catchIf(
        connection.execute(sql),
        (error) => error._tag === "OracleError" && error.reason._tag === "SqlSyntaxError",
        () => otherwise
      ),
    Effect.fail(new CheckError({ message: "neither dbms_session.sleep nor dbms_lock.sleep may be run" }))
  )

export const ping: Check<Probe> = {
  title: "ping",
  area: "Leases",
  advice: "Look at the network between here and the server.",
  run: ({ pool }) =>
    pool.use((connection) =>
      Effect.gen(function*() {
        const times: Array<number> = []
        for (let round = 0; round < 10; round++) {
          const began = yield* Clock.currentTimeNanos
          yield* connection.ping
          times.push(Number((yield* Clock.currentTimeNanos) - began) / 1e6)
        }
        times.sort((a, b) => a - b)
        return ok(`a round trip takes ${times[5]!.toFixed(2)} ms (median of ten)`)
      })
    )
}

export const breakInTime: Check<Probe> = {
  title: "an interrupted statement stops within a second",
  area: "Leases",
  advice:
    "A firewall may drop out-of-band data, or the server may be busy. Until it stops, sessions are closed, not reused.",
  run: ({ pool }) =>
    Effect.gen(function*() {
      const before = yield* pool.use(sidOf)
      const running = yield* Effect.forkChild(pool.use((connection) => sleep(connection, 20)))
      yield* Effect.sleep("300 millis")
      const early = running.pollUnsafe()
      if (early !== undefined) yield* Fiber.join(running)
      const began = yield* Clock.currentTimeMillis
      yield* Fiber.interrupt(running)
      const after = yield* pool.use(sidOf)
      const took = (yield* Clock.currentTimeMillis) - began
      const session = after === before ? "the session is reused" : "the session was replaced"
      return took <= 1000
        ? ok(`${took} ms, ${session}`)
        : failed(`${took} ms, ${session}`, breakInTime.advice)
    })
}

export const callTimeout: Check<Probe> = {
  title: "call timeout",
  area: "Leases",
  advice: "Bound calls with Effect.timeout as well; it breaks the statement the same way.",
  run: ({ pool }) =>
    pool.use((connection) =>
      Effect.gen(function*() {
        yield* connection.setCallTimeout("300 millis")
        const began = yield* Clock.currentTimeMillis
        const error = yield* Effect.flip(sleep(connection, 5))
        const took = (yield* Clock.currentTimeMillis) - began
        const isTimeout = error instanceof Error && /timeout|DPI-1067|NJS-123|NJS-040/i.test(error.message)
        if (took < 2000 && isTimeout) return ok(`a call was ended after ${took} ms for a limit of 300`)
        return took < 2000
          ? failed(`the call ended after ${took} ms by another error: ${String(error)}`, callTimeout.advice)
          : failed(`took ${took} ms to end a call limited to 300`, callTimeout.advice)
      })
    )
}

export const contextPutBack: Check<Probe> = {
  title: "context is put back between leases",
  area: "Leases",
  advice: "Report this: the next holder of a session sees who held it before.",
  run: ({ open }) =>
    Effect.scoped(Effect.gen(function*() {
      const pool = yield* open({ max: 1 })
      const context = (connection: OracleConnection) =>
        connection.query(
          "select sys_context('userenv', 'client_identifier') as client, sys_context('userenv', 'client_info') as info from dual"
        )
      yield* pool.use((connection) =>
        Effect.gen(function*() {
          yield* connection.setClientIdentifier("sessionpool-doctor")
          yield* connection.setClientInfo("sessionpool-doctor")
          yield* connection.ping
        })
      )
      const [row] = yield* pool.use(context)
      return row?.["CLIENT"] === null && row["INFO"] === null
        ? ok("client identifier and client info were empty in the next lease")
        : failed(`the next lease saw ${String(row?.["CLIENT"] ?? row?.["INFO"])}`, contextPutBack.advice)
    }))
}

export const tags: Check<Probe> = {
  title: "tags and onSession",
  area: "Leases",
  advice: "Check that the user may run `alter session`.",
  run: ({ open }) =>
    Effect.scoped(Effect.gen(function*() {
      let prepared = 0
      const pool = yield* open({
        max: 1,
        onSession: (connection, { requestedTag }) =>
          Effect.gen(function*() {
            if (requestedTag === undefined) return
            prepared++
            yield* connection.execute("alter session set time_zone = '+03:00'")
            yield* connection.setTag(requestedTag)
          })
      })
      const zone = pool.use({ tag: "TIME_ZONE=+03:00" }, (connection) =>
        valueOf(connection, "select sessiontimezone from dual"))
      const first = yield* zone
      const second = yield* zone
      return prepared === 1 && first === "+03:00" && second === first
        ? ok("prepared once, found again by its tag")
        : failed(`prepared ${prepared} times; zones ${String(first)} and ${String(second)}`, tags.advice)
    }))
}

export const purity: Check<Probe> = {
  title: "purity \"new\"",
  area: "Leases",
  advice: "Raise the number of sessions that the user may have.",
  run: ({ open }) =>
    Effect.scoped(Effect.gen(function*() {
      const pool = yield* open({ max: 2 })
      const used = yield* pool.use(sidOf)
      const unused = yield* pool.use({ purity: "new" }, sidOf)
      return used === unused
        ? failed("a session that somebody had held was lent", purity.advice)
        : ok("a session that no caller had held")
    }))
}

export const pooledServer: Check<Probe> = {
  title: "pooled servers (DRCP)",
  area: "Pooled servers",
  advice:
    "As a DBA: execute dbms_connection_pool.start_pool(). Without it the pool uses dedicated servers, which is fine "
    + "while sessions × processes stay below the server's limits.",
  run: ({ open }) =>
    Effect.scoped(Effect.gen(function*() {
      const pool = yield* open({ serverPool: "hold", max: 1, cclass: "SESSIONPOOL_DOCTOR" })
      const sid = yield* pool.use(sidOf)
      return ok(`a pooled server serves (sid ${sid})`)
    })).pipe(Effect.catchIf(isNoPooledServer, () =>
      Effect.succeed(warning("not running for this service (ORA-12520, ORA-56600 or the like)", pooledServer.advice))))
}

const isNoPooledServer = (error: unknown): boolean =>
  /ORA-(?:12520|12514|5660\d|12521)/.test(String(error) + String(error instanceof Error ? error.cause : ""))

export const implicitPooling: Check<Probe> = {
  title: "implicit connection pooling",
  area: "Pooled servers",
  advice: "Needs Oracle Database 23ai and DRCP.",
  run: ({ open, version }) =>
    version[0] < 23
      ? Effect.succeed(skipped(`release ${version.join(".")}`, implicitPooling.advice))
      : Effect.scoped(Effect.gen(function*() {
        const pool = yield* open({ poolBoundary: "transaction", max: 1 })
        yield* pool.use((connection) => connection.withTransaction(connection.query("select 1 from dual")))
        return ok("the server takes its session back after each transaction")
      })).pipe(Effect.catchIf(isNoPooledServer, () =>
        Effect.succeed(warning("no pooled server for this service", implicitPooling.advice))))
}

export const drainNotices: Check<Probe> = {
  title: "notices of a planned drain",
  area: "Pooled servers",
  advice:
    "Stop one service of the database with `srvctl stop service -drain_timeout` (or alter system disable) while the "
    + "application runs: idle sessions then retire without an error.",
  run: () => Effect.succeed(skipped("cannot be provoked from here", drainNotices.advice))
}
