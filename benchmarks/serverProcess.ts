/** Starts `serverMain.ts` and gives it orders. */
import { Data, Effect, type Scope } from "effect"
import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"

/**
 * What can be asked of the server: only to answer; to kill every session, so that its client's next call fails with ORA-00028; to
 * reset every connection; to be down, with every connection cut and each new one reset at once; to be back.
 */
export type Order = "look" | "kill" | "cut" | "goDown" | "startUp"

/** What the server has counted from its start until it had done what it was asked. */
export interface ServerCounts {
  /** When it was done, in milliseconds since 1970. */
  readonly at: number
  /** Connections that clients have opened or tried to open. */
  readonly attempts: number
  readonly logons: number
  /** Those of the relay, with those of connecting, where there is one; else those of sessions. */
  readonly roundTrips: number
  /** How many are open now. */
  readonly sessions: number
}

export type Answer =
  | { readonly number: number; readonly counts: ServerCounts }
  | { readonly number: number; readonly failure: string }

export interface ServerProcess {
  readonly connectString: string
  readonly user: string
  readonly password: string
  readonly order: (order: Order) => Effect.Effect<ServerCounts, ServerProcessError>
}

/** The process could not be started, or not do what it was asked. */
export class ServerProcessError extends Data.TaggedError("ServerProcessError")<{ readonly message: string }> {}

const isGreeting = (message: unknown): message is { readonly connectString: string } =>
  typeof message === "object" && message !== null && "connectString" in message

const started = (child: ChildProcess): Effect.Effect<string, ServerProcessError> =>
  Effect.tryPromise({
    try: async () => {
      const ended = once(child, "exit").then(() => [undefined])
      const [greeting] = await Promise.race([once(child, "message"), ended])
      if (!isGreeting(greeting)) throw new Error("it ended at once")
      return greeting.connectString
    },
    catch: (cause) => new ServerProcessError({ message: `the server's process did not start: ${String(cause)}` })
  })

const stop = (child: ChildProcess): Effect.Effect<void> =>
  Effect.promise(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, "exit")
    // It ends when its parent can give it no more orders.
    if (child.connected) child.disconnect()
    await ended
  })

/** What a server has, how much longer than it needs it takes for something, and how far away it is. */
export interface ServerSettings {
  readonly script?: string
  readonly executionMillis?: number
  readonly logOnMillis?: number
  /** What a relay before the server delays each direction by; without one, clients connect to the server itself. */
  readonly delayMillis?: number
}

/** A server of one user, until the scope closes. */
export const serverProcess = Effect.fnUntraced(function*(
  settings: ServerSettings
): Effect.fn.Return<ServerProcess, ServerProcessError, Scope.Scope> {
  const child = yield* Effect.acquireRelease(
    Effect.sync(() => fork(new URL("serverMain.ts", import.meta.url), [JSON.stringify(settings)], { execArgv: [] })),
    stop
  )
  const connectString = yield* started(child)
  const waiting = new Map<number, (answer: Answer) => void>()
  let orders = 0
  const settle = (answer: Answer) => {
    waiting.get(answer.number)?.(answer)
    waiting.delete(answer.number)
  }
  child.on("message", settle)
  child.once("exit", () => {
    for (const number of waiting.keys()) settle({ number, failure: "the server's process has ended" })
  })
  const order = (order: Order): Effect.Effect<ServerCounts, ServerProcessError> =>
    Effect.callback((resume) => {
      const number = ++orders
      waiting.set(number, (answer) =>
        resume(
          "counts" in answer
            ? Effect.succeed(answer.counts)
            : Effect.fail(new ServerProcessError({ message: `"${order}": ${answer.failure}` }))
        ))
      child.send({ number, order })
    })
  return { connectString, user: "scott", password: "tiger", order }
})
