/**
 * The embedded server as a process of its own, started by `serverProcess.ts`: it shares no event loop with the pools that
 * are measured. It does what it is ordered to, and answers every order with what it has counted so far.
 *
 * While the server is down its connections are cut, and each new one is counted and reset at once: clients see much the same as
 * when nothing listens, and their attempts can be counted here.
 */
import { Fault, OracleServer } from "@sessionpool/oracle-server"
import { Effect, Fiber } from "effect"
import { createServer, type Server } from "node:net"
import { delayedRelay } from "./delayedRelay.ts"
import type { Answer, Order, ServerCounts, ServerSettings } from "./serverProcess.ts"

/** Listens in the place of a server that is down. */
class ClosedDoor {
  turnedAway = 0
  #server: Server | undefined = undefined

  shut(host: string, port: number): Effect.Effect<void> {
    return Effect.callback((resume) => {
      this.#server = createServer((socket) => {
        this.turnedAway++
        socket.on("error", () => {})
        socket.resetAndDestroy()
      })
      this.#server.listen({ host, port, backlog: 1024 }, () => resume(Effect.void))
    })
  }

  get open(): Effect.Effect<void> {
    return Effect.callback((resume) => {
      const server = this.#server
      this.#server = undefined
      if (server === undefined) return resume(Effect.void)
      server.close(() => resume(Effect.void))
    })
  }
}

/** A statement that the driver has in its cache is executed in another way than the first time. */
const executions: ReadonlyArray<Fault.FunctionName> = ["execute", "reexecute", "reexecuteAndFetch"]

const program = Effect.gen(function*() {
  const { delayMillis, executionMillis = 0, logOnMillis = 0, script = "" } = JSON.parse(
    process.argv[2]!
  ) as ServerSettings
  const server = yield* OracleServer.make({ logCapacity: 0, script })
  const relay = delayMillis === undefined ? undefined : yield* delayedRelay(server.port, delayMillis)
  const slow = (on: ReadonlyArray<Fault.FunctionName>, milliseconds: number) =>
    milliseconds === 0 ? Effect.void : server.inject(Fault.delay({ on, milliseconds, times: Infinity }))
  yield* slow(executions, executionMillis)
  yield* slow(["authPhaseTwo"], logOnMillis)
  const door = new ClosedDoor()
  yield* Effect.addFinalizer(() => door.open)

  const counts = (at: number): Effect.Effect<ServerCounts> =>
    Effect.map(Effect.all([server.counters, server.sessions]), ([counters, sessions]) => ({
      at,
      attempts: counters.connections + door.turnedAway,
      logons: counters.logons,
      roundTrips: relay === undefined ? counters.roundTrips : relay.roundTrips(),
      sessions: sessions.length
    }))

  const orders: { readonly [Name in Order]: Effect.Effect<unknown, OracleServer.OracleServerError> } = {
    look: Effect.void,
    kill: server.killWhere(() => true),
    cut: server.dropConnections({ reset: true }),
    goDown: Effect.andThen(server.shutdown({ mode: "listener" }), door.shut(server.host, server.port)),
    startUp: Effect.andThen(door.open, server.startup())
  }

  const answer = (number: number, order: Order) =>
    Effect.suspend(() => {
      const before = epochMillis()
      // A server is there again when it listens; everything else happens to the clients at its beginning.
      return Effect.flatMap(orders[order], () => counts(order === "startUp" ? epochMillis() : before))
    }).pipe(
      Effect.map((counts): Answer => ({ number, counts })),
      Effect.catch((error) => Effect.succeed<Answer>({ number, failure: error.message }))
    )

  process.on("message", ({ number, order }: { readonly number: number; readonly order: Order }) => {
    Effect.runFork(Effect.map(answer(number, order), (answer) => process.send?.(answer)))
  })
  const connectString = relay === undefined
    ? server.connectString
    : server.connectString.replace(`:${server.port}`, `:${relay.port}`)
  process.send?.({ connectString })
  return yield* Effect.never
}).pipe(Effect.scoped)

const epochMillis = (): number => performance.timeOrigin + performance.now()

const fiber = Effect.runFork(program)
process.once("disconnect", () => void Effect.runFork(Fiber.interrupt(fiber)))
