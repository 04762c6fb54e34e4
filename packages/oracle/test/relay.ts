/**
 * A relay between a client and a server that delays what goes through it: over loopback alone an answer is there before
 * anybody could interrupt the call, and most faults of interruption need it to be on its way.
 */
import { OracleSessionPool } from "@sessionpool/oracle"
import type { OracleServer } from "@sessionpool/oracle-server"
import { Effect } from "effect"
import { type AddressInfo, connect, createServer, type Socket } from "node:net"
import { embedded } from "./database.ts"

/** Sends on what comes, later by `millis()` and in its order. */
const passOn = (from: Socket, to: Socket, millis: () => number): void => {
  const later = (work: () => void) => setTimeout(work, millis())
  from.on("data", (bytes) => later(() => to.destroyed || to.write(bytes)))
  from.on("end", () => later(() => to.end()))
  from.on("close", () => later(() => to.destroy()))
  from.on("error", () => {})
}

/** A relay to a port of this machine; `delay` is that of each direction, in milliseconds, and can be changed. */
export const relayTo = (port: number, delay: number) =>
  Effect.gen(function*() {
    const state = { delay }
    const sockets = new Set<Socket>()
    const server = createServer({ noDelay: true }, (client) => {
      const target = connect({ port, host: "127.0.0.1", noDelay: true })
      for (const socket of [client, target]) {
        sockets.add(socket)
        socket.on("close", () => sockets.delete(socket))
      }
      passOn(client, target, () => state.delay)
      passOn(target, client, () => state.delay)
    })
    yield* Effect.acquireRelease(
      Effect.promise(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))),
      () =>
        Effect.promise(() =>
          new Promise<void>((resolve) => {
            for (const socket of sockets) socket.destroy()
            server.close(() => resolve())
          })
        )
    )
    return { port: (server.address() as AddressInfo).port, state }
  })

/** A pool on a server of its own, with a relay between them. */
export const relayed = (
  options: Partial<OracleSessionPool.Options> & { readonly delay?: number } = {},
  serverOptions: OracleServer.Options = {}
) =>
  Effect.gen(function*() {
    const { delay = 10, ...settings } = options
    const { connect, server } = yield* embedded(serverOptions)
    const relay = yield* relayTo(server.port, delay)
    const pool = yield* OracleSessionPool.make<OracleSessionPool.Failure>({
      ...connect,
      connectString: connect.connectString.replace(`:${server.port}`, `:${relay.port}`),
      max: 1,
      ...settings
    })
    return { pool, server, relay }
  })
