/**
 * Things that go wrong on purpose: what an `OracleServer` can be told to do to its clients.
 *
 * A fault says which calls it hits ({@link Target}) and what happens to them. Hand it to `inject` of the server.
 *
 * @since 0.1.0
 */
import type { FunctionName } from "./internal/ttc/call.ts"

export type {
  /**
   * The names of the requests that a client sends, as the server's log and counters show them.
   *
   * @since 0.1.0
   */
  FunctionName
}

/**
 * Which calls a fault hits. Everything that is said must hold; an empty target is every call.
 *
 * @since 0.1.0
 * @category models
 */
export interface Target {
  /** The request; `"connect"` is the very first packet of a connection. */
  readonly on?: FunctionName | ReadonlyArray<FunctionName>
  /** A part of the statement's text, or a pattern for it. */
  readonly sql?: string | RegExp
  readonly user?: string
  readonly service?: string
  readonly sid?: number
  /** Lets that many matching calls pass first; default 0. */
  readonly skip?: number
  /** Hits that many calls and is spent then; default 1. */
  readonly times?: number
}

/**
 * How a connection is ended: with an orderly end, with a TCP reset, or not at all while nothing more is ever sent.
 *
 * @since 0.1.0
 * @category models
 */
export type Ending = "close" | "reset" | "hang"

/**
 * One thing that goes wrong.
 *
 * @since 0.1.0
 * @category models
 */
export type Fault =
  | { readonly _tag: "Refuse"; readonly target: Target; readonly code: number }
  | { readonly _tag: "Resend"; readonly target: Target }
  | { readonly _tag: "Redirect"; readonly target: Target; readonly host: string; readonly port: number }
  | { readonly _tag: "Error"; readonly target: Target; readonly code: number; readonly message: string }
  | { readonly _tag: "Delay"; readonly target: Target; readonly milliseconds: number }
  | { readonly _tag: "Hang"; readonly target: Target }
  | { readonly _tag: "Disconnect"; readonly target: Target; readonly when: "before" | "after"; readonly reset: boolean }
  | { readonly _tag: "Truncate"; readonly target: Target; readonly bytes: number; readonly then: Ending }
  | {
    readonly _tag: "Cut"
    readonly direction: "toClient" | "toServer"
    readonly after: number
    readonly since: "connect" | "now"
    readonly then: Ending
    readonly times: number
    readonly sid: number | undefined
  }

/**
 * The listener refuses the connection, with ORA-12514 unless told otherwise.
 *
 * **When to use**
 *
 * Use to test what a program does while its database is starting or its service is not registered.
 *
 * **Example** (No listener, three times)
 *
 * ```ts
 * import { Fault } from "@sessionpool/oracle-server"
 *
 * export const noListener = Fault.refuse({ code: 12528, times: 3 })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const refuse = (options: Target & { readonly code?: number } = {}): Fault => ({
  _tag: "Refuse",
  target: { ...options, on: "connect" },
  code: options.code ?? 12514
})

/**
 * The listener asks for the connect packet once more, as listeners do when they hand a connection over.
 *
 * **When to use**
 *
 * Use to test a driver of your own; the official ones send the packet again unseen.
 *
 * **Example** (A connection that is handed over)
 *
 * ```ts
 * import { Fault } from "@sessionpool/oracle-server"
 *
 * export const handedOver = Fault.resend({ times: 2 })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const resend = (target: Target = {}): Fault => ({ _tag: "Resend", target: { ...target, on: "connect" } })

/**
 * The listener sends the client on to another address.
 *
 * **When to use**
 *
 * Use to test the way through a listener that hands connections over, as a SCAN listener does.
 *
 * **Example** (Another port)
 *
 * ```ts
 * import { Fault } from "@sessionpool/oracle-server"
 *
 * export const moved = Fault.redirect({ port: 1522 })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const redirect = (options: Target & { readonly host?: string; readonly port: number }): Fault => ({
  _tag: "Redirect",
  target: { ...options, on: "connect" },
  host: options.host ?? "127.0.0.1",
  port: options.port
})

/**
 * The call fails with an `ORA-` error and is not run.
 *
 * **When to use**
 *
 * Use for any code of Oracle's that the embedded server would not come to by itself.
 *
 * **Example** (A snapshot that is too old)
 *
 * ```ts
 * import { Fault } from "@sessionpool/oracle-server"
 *
 * export const snapshotTooOld = Fault.error({ code: 1555, message: "snapshot too old", on: "execute", sql: /from orders/i })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const error = (options: Target & { readonly code: number; readonly message?: string }): Fault => ({
  _tag: "Error",
  target: options,
  code: options.code,
  message: `ORA-${String(options.code).padStart(5, "0")}: ${options.message ?? "injected error"}`
})

/**
 * The call is run, and answered, so much later. A break cancels the wait.
 *
 * **When to use**
 *
 * Use to give timeouts and interrupts something to cut short.
 *
 * **Example** (A slow log-on)
 *
 * ```ts
 * import { Fault } from "@sessionpool/oracle-server"
 *
 * export const slowLogon = Fault.delay({ milliseconds: 500, on: "authPhaseOne", times: Infinity })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const delay = (options: Target & { readonly milliseconds: number }): Fault => ({
  _tag: "Delay",
  target: options,
  milliseconds: options.milliseconds
})

/**
 * The call is never run and never answered. A break cancels it.
 *
 * **When to use**
 *
 * Use to test that a program gives up by itself.
 *
 * **Example** (A ping without an answer)
 *
 * ```ts
 * import { Fault } from "@sessionpool/oracle-server"
 *
 * export const deadPing = Fault.hang({ on: "ping" })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const hang = (target: Target = {}): Fault => ({ _tag: "Hang", target })

/**
 * The connection is closed instead of answering: before the call runs, or after it has run (a commit whose answer is lost).
 *
 * **When to use**
 *
 * Use to lose a connection at the worst moment: `after` a commit leaves its outcome in doubt.
 *
 * **Example** (A commit in doubt)
 *
 * ```ts
 * import { Fault } from "@sessionpool/oracle-server"
 *
 * export const unknownOutcome = Fault.disconnect({ on: "commit", when: "after" })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const disconnect = (
  options: Target & { readonly when?: "before" | "after"; readonly reset?: boolean } = {}
): Fault => ({
  _tag: "Disconnect",
  target: options,
  when: options.when ?? "before",
  reset: options.reset ?? false
})

/**
 * The call is run, but only the first bytes of its response are sent.
 *
 * **When to use**
 *
 * Use to test how a driver takes half an answer.
 *
 * **Example** (Half a row)
 *
 * ```ts
 * import { Fault } from "@sessionpool/oracle-server"
 *
 * export const halfARow = Fault.truncate({ bytes: 40, then: "hang", on: "fetch" })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const truncate = (options: Target & { readonly bytes: number; readonly then?: Ending }): Fault => ({
  _tag: "Truncate",
  target: options,
  bytes: options.bytes,
  then: options.then ?? "close"
})

/**
 * The connection ends when exactly so many bytes have passed in one direction, wherever in a packet that is.
 *
 * `since: "connect"` counts from the first byte of connections that are yet to come, `since: "now"` counts from now on, on
 * connections that exist already: on all of them, or on the one that uses the session `sid`. It is over when `times`
 * connections have been cut.
 *
 * **When to use**
 *
 * Use to sweep over every byte of a conversation.
 *
 * **Example** (In the middle of a log-on)
 *
 * ```ts
 * import { Fault } from "@sessionpool/oracle-server"
 *
 * export const inTheMiddleOfLogon = Fault.cut({ direction: "toClient", after: 300 })
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const cut = (options: {
  readonly direction: "toClient" | "toServer"
  readonly after: number
  readonly since?: "connect" | "now"
  readonly then?: Ending
  readonly times?: number
  readonly sid?: number
}): Fault => ({
  _tag: "Cut",
  direction: options.direction,
  after: options.after,
  since: options.since ?? "connect",
  then: options.then ?? "close",
  times: options.times ?? 1,
  sid: options.sid
})
