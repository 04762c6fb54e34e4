/** The settings of a script as the pool takes them, with the hooks that it is made with. */
import type { Connection } from "@sessionpool/core"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { Memory } from "./callers.ts"
import type { ScriptSettings } from "./command.ts"
import type { Faults } from "./driverFaults.ts"
import { type PoolSettings, PreparationFailed, type Server } from "./subject.ts"
import type { Hook } from "./trouble.ts"

/** What the settings of a script depend on. */
interface SettingsParts<C extends Connection.Connection> {
  readonly server: Server<C>
  readonly memory: Memory
  /** The hooks that are to go wrong. */
  readonly hooks: Faults<Hook>
  readonly user: string
  /** The password that the pool is to use now. */
  readonly password: () => string
}

/** Two statements with a yield between: whatever ends the lease can come before, in the middle, and after. */
const work = <C extends Connection.Connection>(server: Server<C>, connection: C): Effect.Effect<unknown> =>
  Effect.ignore(server.execute(connection)).pipe(
    Effect.andThen(Effect.yieldNow),
    Effect.andThen(Effect.ignore(server.execute(connection)))
  )

/** Notes that a hook is at work on a session, as long as it is. */
const noted = <A, E>(sessions: Set<number>, session: number, hook: Effect.Effect<A, E>): Effect.Effect<A, E> => {
  sessions.add(session)
  return Effect.ensuring(hook, Effect.sync(() => sessions.delete(session)))
}

/** What `resetSession` fails with in a script. */
const resetFailed = new Error("resetSession was told to fail")

const onSession = <C extends Connection.Connection>(
  how: ScriptSettings["onSession"],
  { hooks, memory, server }: SettingsParts<C>
): Partial<PoolSettings<C>> =>
  how === "absent" ? {} : {
    onSession: (connection, { requestedTag }) => {
      memory.prepared.add(connection)
      return hooks.run("onSession", () => {
        if (how === "fails") return Effect.fail(new PreparationFailed({ message: "told to" }))
        // A lease that was ended meanwhile has no tag to set.
        const settle = Effect.ignore(connection.setTag(requestedTag))
        return how === "works"
          ? noted(memory.inOnSession, server.numberOf(connection), Effect.andThen(work(server, connection), settle))
          : settle
      })
    }
  }

const resetSession = <C extends Connection.Connection>(
  how: ScriptSettings["resetSession"],
  { hooks, memory, server }: SettingsParts<C>
): Partial<PoolSettings<C>> =>
  how === "absent" ? {} : {
    resetSession: (connection) =>
      hooks.run("resetSession", () =>
        how === "works"
          ? noted(memory.inResetSession, server.numberOf(connection), work(server, connection))
          : how === "fails"
          ? Effect.fail(resetFailed)
          : Effect.void)
  }

/** Makes the settings of a pool. */
export const poolSettings = <C extends Connection.Connection>(
  settings: ScriptSettings,
  parts: SettingsParts<C>
): PoolSettings<C> => {
  const {
    asksAtOnce,
    hasCredentialsEffect,
    hasOwnUser,
    listener: _listener,
    onSession: prepares,
    resetSession: resets,
    tasks: _tasks,
    ...plain
  } = settings
  const { hooks, password, user } = parts
  const credentials = () => ({ user, password: Redacted.make(password()) })
  return {
    ...plain,
    name: "laws",
    waitForMin: asksAtOnce > 0,
    ...(!hasOwnUser ? {} : hasCredentialsEffect
      ? { credentials: Effect.suspend(() => hooks.run("credentials", () => Effect.sync(credentials))) }
      : credentials()),
    ...onSession(prepares, parts),
    ...resetSession(resets, parts)
  }
}
