import { Effect, type Scope } from "effect"
import { connect, createServer, type Server, type Socket } from "node:net"

/** One direction of a relay: bytes pass until it is held, and go on in order when it is let go. */
export class Lane {
  private held = false
  private waiting: Array<() => void> = []

  hold(): void {
    this.held = true
  }

  release(): void {
    this.held = false
    for (const pass of this.waiting.splice(0)) pass()
  }

  /** How many pieces wait. */
  get size(): number {
    return this.waiting.length
  }

  pass(deliver: () => void): void {
    if (this.held) this.waiting.push(deliver)
    else deliver()
  }
}

/** A relay between clients and a server, whose two directions can be held up. */
export interface Relay {
  readonly port: number
  readonly toServer: Lane
  readonly toClient: Lane
}

const pipe = (from: Socket, to: Socket, lane: Lane): void => {
  from.on("data", (chunk) => lane.pass(() => to.writable && to.write(chunk)))
  from.on("close", () => to.destroy())
  from.on("error", () => undefined)
}

/** Opens a relay to a port of this machine, for as long as the scope lasts. */
export const relayTo = (target: number): Effect.Effect<Relay, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(() =>
      new Promise<{ server: Server; sockets: Set<Socket>; relay: Relay }>((resolve) => {
        const toServer = new Lane()
        const toClient = new Lane()
        const sockets = new Set<Socket>()
        const server = createServer((client) => {
          const upstream = connect(target, "127.0.0.1")
          for (const socket of [client, upstream]) {
            socket.setNoDelay(true)
            sockets.add(socket)
          }
          pipe(client, upstream, toServer)
          pipe(upstream, client, toClient)
        })
        server.listen(0, "127.0.0.1", () => {
          const address = server.address()
          const port = typeof address === "object" && address !== null ? address.port : 0
          resolve({ server, sockets, relay: { port, toServer, toClient } })
        })
      })
    ),
    ({ server, sockets }) =>
      Effect.promise(() =>
        new Promise<void>((resolve) => {
          for (const socket of sockets) socket.destroy()
          server.close(() => resolve())
        })
      )
  ).pipe(Effect.map(({ relay }) => relay))
