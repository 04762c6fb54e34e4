/**
 * The sockets of one connection, known without looking into the driver.
 *
 * The driver has no call that gives up an attempt to connect, nor one that closes a connection whose server does not
 * answer: both wait for the network. Node announces every new client socket on a diagnostics channel, in the asynchronous
 * context that makes it, and a socket can be destroyed. So an attempt runs in a context of its own, and its sockets are its.
 */
import { AsyncLocalStorage } from "node:async_hooks"
import * as diagnostics from "node:diagnostics_channel"
import type { Socket } from "node:net"

const channel = "net.client.socket"
const owner = new AsyncLocalStorage<Sockets>()

const isMessage = (message: unknown): message is { readonly socket: Socket } =>
  typeof message === "object" && message !== null && "socket" in message

/**
 * Destroys a socket, with an error: without one the driver takes it for alive still, and when its connection is collected as
 * garbage it writes a farewell to it, which throws where nothing can catch it (`disconnect` in `networkSession.js`).
 */
const cut = (socket: Socket): void => {
  socket.on("error", () => {})
  socket.destroy(new Error("the connection was given up"))
}

/** The sockets that an attempt to connect has made. */
export class Sockets {
  readonly #open = new Set<Socket>()
  #isEnded = false

  /** Runs `attempt`; while it lasts, its sockets are noted. */
  async during<A>(attempt: () => Promise<A>): Promise<A> {
    const note = (message: unknown) => {
      if (owner.getStore() === this && isMessage(message)) this.#note(message.socket)
    }
    diagnostics.subscribe(channel, note)
    try {
      return await owner.run(this, attempt)
    } finally {
      diagnostics.unsubscribe(channel, note)
    }
  }

  #note(socket: Socket): void {
    // Before it connects, Node would only revive a socket that was destroyed.
    if (this.#isEnded) setImmediate(() => cut(socket))
    else {
      this.#open.add(socket)
      socket.once("close", () => this.#open.delete(socket))
    }
  }

  /** Cuts every socket, and those that the attempt makes from now on. */
  destroy(): void {
    this.#isEnded = true
    for (const socket of this.#open) cut(socket)
  }

  /** How much has come from the server. */
  get bytesRead(): number {
    let sum = 0
    for (const socket of this.#open) sum += socket.bytesRead
    return sum
  }
}
