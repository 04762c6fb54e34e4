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

  /**
   * Runs `work`, in which the driver must not connect again: a socket that it makes is cut before it has sent anything, and the
   * result is a failure at once. Sockets count as made by the driver also where it makes them in the background.
   */
  refusing<A>(work: () => Promise<A>): Promise<A> {
    return new Promise((resolve, reject) => {
      const refuse = (message: unknown) => {
        if (owner.getStore() !== this || !isMessage(message)) return
        setImmediate(() => cut(message.socket))
        reject(new Error("the connection is gone"))
      }
      diagnostics.subscribe(channel, refuse)
      // The driver may try several times.
      const settled = () => diagnostics.unsubscribe(channel, refuse)
      owner.run(this, work).then((value) => {
        settled()
        resolve(value)
      }, (failure: unknown) => {
        settled()
        reject(failure)
      })
    })
  }

  /** Whether a socket is left that neither side has closed. */
  get isOpen(): boolean {
    for (const socket of this.#open) if (!socket.destroyed && !socket.readableEnded) return true
    return false
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
