/**
 * A relay in front of a server that delays each direction by parts of a millisecond, and counts the round trips that go through it.
 *
 * Timers of Node count whole milliseconds; what is due sooner is waited for in turns of the event loop. The relay runs in the server's
 * process: there the wait takes time only from a server that has nothing to do.
 */
import { Effect, type Scope } from "effect"
import { type AddressInfo, connect, createServer, type Socket } from "node:net"

/** Pieces that were sent and are still on their way, in the order in which they are due. */
class DelayLine {
  readonly #millis: number
  #onTheirWay: Array<{ readonly at: number; readonly arrive: () => void }> = []
  #isWaiting = false

  constructor(millis: number) {
    this.#millis = millis
  }

  send(arrive: () => void): void {
    if (this.#millis === 0) return arrive()
    this.#onTheirWay.push({ at: performance.now() + this.#millis, arrive })
    this.#wait()
  }

  #wait(): void {
    const [next] = this.#onTheirWay
    if (this.#isWaiting || next === undefined) return
    this.#isWaiting = true
    const left = next.at - performance.now()
    // A timer may be late by a millisecond.
    if (left > 2) setTimeout(this.#look, left - 2)
    else setImmediate(this.#look)
  }

  readonly #look = (): void => {
    this.#isWaiting = false
    const now = performance.now()
    const later = this.#onTheirWay.findIndex(({ at }) => at > now)
    const due = this.#onTheirWay.splice(0, later === -1 ? this.#onTheirWay.length : later)
    for (const { arrive } of due) arrive()
    this.#wait()
  }
}

export interface Relay {
  readonly port: number
  /** How often a client has sent something after an answer, or as the first of its connection. */
  readonly roundTrips: () => number
}

/** A relay to a port of this machine until the scope closes, with so many milliseconds each way. */
export const delayedRelay = (port: number, millis: number): Effect.Effect<Relay, never, Scope.Scope> =>
  Effect.gen(function*() {
    const line = new DelayLine(millis)
    const sockets = new Set<Socket>()
    let roundTrips = 0
    const passOn = (from: Socket, to: Socket, onData: () => void) => {
      from.on("data", (bytes) => {
        onData()
        line.send(() => to.destroyed || to.write(bytes))
      })
      from.on("end", () => line.send(() => to.end()))
      from.on("close", () => line.send(() => to.destroy()))
      from.on("error", () => {})
    }
    const server = createServer({ noDelay: true }, (client) => {
      const target = connect({ port, host: "127.0.0.1", noDelay: true })
      for (const socket of [client, target]) {
        sockets.add(socket)
        socket.on("close", () => sockets.delete(socket))
      }
      let isAnswered = true
      passOn(client, target, () => {
        if (isAnswered) roundTrips++
        isAnswered = false
      })
      passOn(target, client, () => {
        isAnswered = true
      })
    })
    yield* Effect.acquireRelease(
      Effect.promise(() => new Promise<void>((resolve) => server.listen({ port: 0, host: "127.0.0.1" }, resolve))),
      () =>
        Effect.promise(() =>
          new Promise<void>((resolve) => {
            for (const socket of sockets) socket.destroy()
            server.close(() => resolve())
          })
        )
    )
    return { port: (server.address() as AddressInfo).port, roundTrips: () => roundTrips }
  })
