/** What each command of a script does. */
import type { Connection } from "@sessionpool/core"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import type { Caller } from "./callers.ts"
import type { Command, ScriptSettings } from "./command.ts"
import { isWellFormed } from "./observation.ts"
import type { Play } from "./play.ts"
import type { DriverFunction, Hook } from "./trouble.ts"
import { complete } from "./world.ts"

const drainTimeout = 2000

/** The name of what a command was about; `undefined` when there is no such thing, so that nothing was done. */
type Done = Effect.Effect<string | undefined, unknown>

const nothing: Done = Effect.succeed(undefined)

const among = <T>(items: ReadonlyArray<T>, which: number): T | undefined =>
  items.length === 0 ? undefined : items[which % items.length]

const hooks: ReadonlySet<string> = new Set<Hook>(["onSession", "resetSession", "credentials"])
const isHook = (name: DriverFunction | Hook): name is Hook => hooks.has(name)

/** Begins a command. */
export const perform = <C extends Connection.Connection>(play: Play<C>, command: Command): Done => {
  const { callers, world } = play
  const { server } = play.bench
  const held = callers.filter(({ stage }) => stage === "held")
  const ready = held.filter(({ isReady }) => isReady)
  const waiting = callers.filter(({ stage }) => stage === "waiting")
  const busy = callers.filter(({ running }) => running.length > 0)
  const sync = (caller: Caller<C> | undefined, act: (caller: Caller<C>) => string | void): Done =>
    Effect.sync(() => caller === undefined ? undefined : act(caller) ?? caller.name)
  const onSession = (
    which: number,
    act: ((session: number) => Effect.Effect<unknown>) | undefined,
    lent: boolean
  ): Done => {
    const numbers = lent
      ? held.map((caller) => server.numberOf(caller.connection!))
      : (play.last?.sessions ?? []).map(({ number }) => number)
    const session = among(numbers, which)
    return session === undefined || act === undefined ? nothing : Effect.as(act(session), String(session))
  }
  switch (command._tag) {
    case "Acquire":
      return Effect.sync(() => play.request(command.request, { ...command, isAtRest: true }).name)
    case "Crowd":
      return Effect.sync(() => {
        const { count, millis, request } = command
        const crowd = Array.from({ length: count }, () => play.request(request, { by: "use", holdsFor: millis }))
        return `${crowd[0]!.name} to ${crowd.at(-1)!.name}`
      })
    case "Release":
      return sync(among(held, command.which), (caller) => release(play, caller, command.tag))
    case "Drop":
      return sync(among(held, command.which), (caller) => {
        caller.leave(undefined)
        world.fork(play.pool.drop(caller.connection!))
        caller.end("success")
      })
    case "End":
      return sync(among(ready, command.which), (caller) => caller.end(command.how))
    case "SetTag":
      return sync(among(held, command.which), (caller) => setTag(play, caller, command.tag))
    case "Begin":
      return server.begin === undefined
        ? nothing
        : sync(among(ready, command.which), (caller) => caller.tell(server.begin!(caller.connection!)))
    case "Execute":
      return sync(among(ready, command.which), (caller) => caller.tell(server.execute(caller.connection!)))
    case "Identify":
      return server.identify === undefined
        ? nothing
        : sync(among(ready, command.which), (caller) => caller.tell(server.identify!(caller.connection!, caller.name)))
    case "Start":
      return sync(among(held, command.which), (caller) => caller.startStatement())
    case "InterruptStatement":
      return Effect.sync(() => {
        const statement = among(busy.flatMap(({ running }) => running), command.which)
        statement?.fiber.interruptUnsafe()
        return statement?.name
      })
    case "InterruptStatements":
      return sync(among(busy, command.which), ({ running }) => {
        for (const { fiber } of running) fiber.interruptUnsafe()
        return running.map(({ name }) => name).join(", ")
      })
    case "InterruptHolder":
      return sync(among(held, command.which), (caller) => caller.interrupt())
    case "InterruptWaiter":
      return sync(among(waiting, command.which), (caller) => caller.interrupt())
    case "Advance":
      return world.advance === undefined ? nothing : Effect.as(world.advance(command.millis), "")
    case "SetClock":
      return world.setClock === undefined ? nothing : Effect.as(world.setClock(command.millis), "")
    case "Kill":
      return onSession(command.which, server.kill, false)
    case "KillAll":
      return Effect.as(server.killAll, "")
    case "ReportFatal":
      return onSession(command.which, server.reportFatal, true)
    case "AnnounceShutdown":
      return onSession(command.which, server.announceShutdown, false)
    case "RefuseToOpen":
      play.hasRefused = true
      return Effect.as(server.refuseToOpen(command.times), "")
    case "Heal":
      play.hooks.heal()
      return Effect.as(server.heal, "")
    case "Slow":
    case "Misbehave": {
      if (server.behave === undefined || world.advance === undefined) return nothing
      if (command.operation !== "open" && command.operation !== "execute") play.isTroubled = true
      const behavior = command._tag === "Slow"
        ? { latency: command.millis }
        : { outcome: command.outcome, times: command.times }
      return Effect.as(server.behave(command.operation, behavior), "")
    }
    case "Defect":
      return defect(play, command)
    case "Rotate":
      return rotate(play, command.where)
    case "Twin":
      return twin(play, command.is)
    case "Reconfigure":
      return Effect.sync(() => reconfigure(play, command.changes))
    case "Steer":
      return Effect.sync(() => steer(play, command.how))
    case "Drain":
      return Effect.sync(() => drain(play, command))
    case "Instance": {
      const { instances } = server
      const name = among(instances?.names ?? [], command.which)
      if (instances === undefined || name === undefined) return nothing
      play.hasRefused = true
      return Effect.as(instances.set(name, command.is), name)
    }
    case "Close":
      return Effect.sync(() => close(play, command.how))
  }
}

const defect = <C extends Connection.Connection>(
  play: Play<C>,
  command: Command & { readonly _tag: "Defect" }
): Done => {
  const { how, of, times } = command
  const { sabotage } = play.bench.server
  if (!isHook(of) && sabotage === undefined) return nothing
  play.hasDefects = true
  play.isTroubled = true
  if (!isHook(of)) return Effect.as(sabotage!(of, how, times), "")
  play.hooks.arm(of, how, times)
  return Effect.succeed("")
}

const rotate = <C extends Connection.Connection>(play: Play<C>, where: "server" | "pool" | "both"): Done => {
  const { passwords, settings, subject, world } = play
  const { setPassword } = play.bench.server
  if (setPassword === undefined || !settings.hasOwnUser) return nothing
  return Effect.gen(function*() {
    if (where !== "pool") {
      passwords.server = play.nextPassword()
      yield* setPassword(subject.account.user, passwords.server)
    }
    if (where !== "server") {
      passwords.pool = passwords.server
      if (!settings.hasCredentialsEffect && play.phase === "open") {
        world.fork(play.pool.reconfigure({ password: Redacted.make(passwords.pool) }))
        play.logOns.permit()
      }
    }
    return ""
  })
}

const twin = <C extends Connection.Connection>(play: Play<C>, is: "opened" | "closed"): Done =>
  Effect.gen(function*() {
    if (is === "opened") {
      yield* play.openTwin
      return ""
    }
    const scope = play.twins.pop()
    if (scope === undefined) return undefined
    yield* complete(play.world, Scope.close(scope, Exit.void))
    return ""
  })

const expect = <C extends Connection.Connection>(
  play: Play<C>,
  law: number,
  exit: Exit.Exit<unknown, unknown>,
  failure: string | undefined,
  what: string
): void => {
  const text = Exit.isSuccess(exit) ? "" : String(exit.cause)
  if (failure === undefined ? Exit.isSuccess(exit) : text.includes(failure)) return
  const came = Exit.isSuccess(exit) ? "succeeded" : `failed: ${text}`
  play.breaches.push({ law, problem: `${what} ${came}${failure === undefined ? "" : `, not with ${failure}`}` })
}

const release = <C extends Connection.Connection>(play: Play<C>, caller: Caller<C>, tag: string | undefined): void => {
  const connection = caller.connection!
  const isGood = isWellFormed(tag)
  if (isGood) caller.leave(tag ?? connection.tag)
  play.world.fork(play.pool.release(connection, { tag })).addObserver((exit) => {
    expect(play, 8, exit, isGood ? undefined : "InvalidTagError", `releasing ${caller.name}`)
    if (!isGood && connection.isReleased) {
      play.breaches.push({ law: 8, problem: `a malformed tag ended the lease of ${caller.name}` })
    }
  })
  if (isGood) caller.end("success")
}

const setTag = <C extends Connection.Connection>(play: Play<C>, caller: Caller<C>, tag: string): void => {
  const connection = caller.connection!
  const before = connection.tag
  const isGood = isWellFormed(tag)
  play.world.fork(connection.setTag(tag)).addObserver((exit) => {
    expect(play, 8, exit, isGood ? undefined : "InvalidTagError", `setting the tag of ${caller.name}`)
    const shown = connection.tag ?? ""
    if (shown !== (isGood ? tag : before ?? "")) {
      play.breaches.push({ law: 8, problem: `the tag of ${caller.name} is "${shown}" after setTag` })
    }
  })
}

const reconfigure = <C extends Connection.Connection>(play: Play<C>, changes: Partial<ScriptSettings>): string => {
  const settings = { ...play.settings, ...changes }
  const isGood = settings.min <= settings.max
  const failure = play.phase !== "open" ? "PoolClosedError" : isGood ? undefined : "InvalidOptionsError"
  play.world.fork(play.pool.reconfigure(changes)).addObserver((exit) => {
    expect(play, 1, exit, failure, "reconfiguring")
    if (failure !== undefined) return
    play.logOns.permit()
    play.settings = settings
    play.mostInShard = Math.max(play.mostInShard, settings.maxSessionsPerShard || Infinity)
    play.mostAllowed = settings.getMode === "forceGet" ? Infinity : Math.max(play.mostAllowed, settings.max)
  })
  return ""
}

const steer = <C extends Connection.Connection>(play: Play<C>, how: "refresh" | "suspend" | "resume"): string => {
  const failure = play.phase === "open" ? undefined : "PoolClosedError"
  play.world.fork(play.pool[how]).addObserver((exit) => expect(play, 18, exit, failure, how))
  if (failure !== undefined) return ""
  if (how === "refresh") { for (const { number } of play.last?.sessions ?? []) play.refreshed.add(number) }
  else play.suspensions.turn(how === "suspend", play.world.now())
  return ""
}

const drain = <C extends Connection.Connection>(
  play: Play<C>,
  { is, which }: Command & { readonly _tag: "Drain" }
): string | undefined => {
  const name = among(play.bench.server.instances?.names ?? [], which)
  if (name === undefined) return undefined
  const failure = play.phase === "open" ? undefined : "PoolClosedError"
  const done = is === "begun" ? play.pool.drain(name) : play.pool.undrain(name)
  play.world.fork(done).addObserver((exit) => expect(play, 18, exit, failure, `${is} drain`))
  if (failure !== undefined) return name
  for (const { instance, number } of play.last?.sessions ?? []) {
    if (instance !== name) continue
    if (is === "begun") play.drained.add(number)
    else play.drained.delete(number)
  }
  return name
}

const close = <C extends Connection.Connection>(play: Play<C>, how: "plain" | "drain" | "force"): string => {
  const busy = play.phase === "open" && how === "plain" ? play.last?.statistics.busy ?? 0 : 0
  const options = how === "plain" ? {} : how === "drain" ? { drainTimeout } : { force: true }
  if (busy === 0 && play.phase === "open") play.phase = "closing"
  play.world.fork(play.pool.close(options)).addObserver((exit) => {
    expect(play, 4, exit, busy > 0 ? "PoolBusyError" : undefined, "closing")
    if (Exit.isSuccess(exit)) play.phase = "closed"
  })
  return ""
}
