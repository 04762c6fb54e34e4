/** Plays one script on a pool, and looks at the laws after every step. */
import type { Connection, SessionPool } from "@sessionpool/core"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { Caller, Memory, poolSettings } from "./callers.ts"
import {
  type Command,
  plainSettings,
  printCommand,
  printSettings,
  type Script,
  type ScriptSettings
} from "./command.ts"
import { betweenRests } from "./lendingLaws.ts"
import { isFree, isWellFormed, type Observation, remark, type SessionView, shardText } from "./observation.ts"
import { atRest, type Breach } from "./restLaws.ts"
import type { Bench, PreparationFailed, Refusal, Subject } from "./subject.ts"
import { complete, type World } from "./world.ts"

/** What came of a script. */
export interface Outcome {
  readonly breaches: ReadonlyArray<Breach>
  /** The script as it was played, up to the breach. */
  readonly lines: ReadonlyArray<string>
  readonly commands: number
}

/** How long opening may pause after a failure, with its jitter. */
const longestPause = 1201
/** Longer than anything may take once everything has been told to end. */
const untilTheEnd = 180_000
const drainTimeout = 2000
/** What a step comes to that is about something that there is not. */
const nothing: Effect.Effect<string | undefined> = Effect.succeed(undefined)

export class Stage<C extends Connection.Connection> {
  readonly #world: World
  readonly #subject: Subject<C>
  readonly #bench: Bench<C>
  readonly #pool: SessionPool.SessionPool<C, PreparationFailed>
  readonly #scope: Scope.Closeable
  readonly #memory: Memory
  readonly #callers: Array<Caller<C>> = []
  readonly #breaches: Array<Breach> = []
  readonly #idle = new Map<number, { readonly leases: number; readonly since: number | undefined }>()
  #settings: ScriptSettings
  #phase: Observation["phase"] = "open"
  #mostAllowed: number
  #mostInShard: number
  #isTroubled = false
  #hasRefused = false
  #last: Observation | undefined = undefined

  private constructor(
    world: World,
    subject: Subject<C>,
    bench: Bench<C>,
    pool: SessionPool.SessionPool<C, PreparationFailed>,
    scope: Scope.Closeable,
    memory: Memory,
    settings: ScriptSettings
  ) {
    this.#world = world
    this.#subject = subject
    this.#bench = bench
    this.#pool = pool
    this.#scope = scope
    this.#memory = memory
    this.#settings = settings
    this.#mostAllowed = settings.getMode === "forceGet" ? Infinity : settings.max
    this.#mostInShard = settings.maxSessionsPerShard || Infinity
  }

  /** Plays a script from the making of the pool to the end of its scope. */
  static play<C extends Connection.Connection>(
    world: World,
    subject: Subject<C>,
    script: Script,
    onPool: (pool: SessionPool.SessionPool<C, PreparationFailed>) => void
  ): Effect.Effect<Outcome, unknown, Scope.Scope> {
    return Effect.gen(function*() {
      const outer = yield* Effect.scope
      const bench = yield* complete(world, Scope.provide(subject.make, outer))
      const memory = new Memory()
      const scope = yield* Scope.make()
      const pool = yield* complete(
        world,
        Scope.provide(bench.makePool(poolSettings(script.settings, subject, memory)), scope)
      )
      onPool(pool)
      const stage = new Stage(world, subject, bench, pool, scope, memory, script.settings)
      return yield* stage.#play(script)
    })
  }

  #play(script: Script): Effect.Effect<Outcome, unknown> {
    return Effect.gen({ self: this }, function*() {
      const lines = [printSettings({ ...plainSettings, ...script.settings })]
      let commands = 0
      yield* this.#world.settle
      this.#last = yield* this.#look(undefined)
      for (const command of script.commands) {
        const name = yield* this.#perform(command)
        if (name === undefined) continue
        commands++
        const line = printCommand(command, name)
        lines.push(line)
        yield* this.#world.settle
        const next = yield* this.#look(command)
        const came = remark(this.#last, next)
        if (came !== "") lines[lines.length - 1] = `${line.padEnd(40)} // ${came}`
        this.#breaches.push(...atRest(this.#last, next), ...betweenRests(this.#last, next))
        this.#last = next
        yield* this.#violations
        if (this.#breaches.length > 0) break
      }
      if (this.#breaches.length === 0) {
        lines.push("close the pool's scope")
        yield* this.#end
      }
      return { breaches: this.#breaches, lines, commands }
    })
  }

  get #violations(): Effect.Effect<void> {
    return Effect.map(this.#bench.server.violations, (violations) => {
      for (const problem of violations) this.#breaches.push({ law: 3, problem: `the server saw that ${problem}` })
    })
  }

  /** Closes the scope and sees that nothing is left. */
  get #end(): Effect.Effect<void, unknown> {
    return Effect.gen({ self: this }, function*() {
      const world = this.#world
      const closing = world.fork(Scope.close(this.#scope, Exit.void))
      const pass = world.advance === undefined ? world.settle : world.advance(untilTheEnd)
      yield* pass
      for (const caller of this.#callers) caller.interrupt()
      if (world.advance === undefined) yield* Fiber.await(closing)
      yield* pass
      const problems = [...yield* this.#bench.server.imbalances, ...world.leftovers()]
      if (closing.pollUnsafe() === undefined) problems.push("closing the pool's scope does not end")
      const stuck = this.#callers.filter((caller) => caller.isRunning)
      if (stuck.length > 0) problems.push(`${stuck.map(({ name }) => name).join(", ")} cannot be interrupted`)
      for (const problem of problems) this.#breaches.push({ law: 4, problem })
    })
  }

  #among<T>(items: ReadonlyArray<T>, which: number): T | undefined {
    return items.length === 0 ? undefined : items[which % items.length]
  }

  /** Begins a step; the answer is the name of what it is about, `undefined` when there is no such thing. */
  #perform(command: Command): Effect.Effect<string | undefined, unknown> {
    const { server } = this.#bench
    const held = this.#callers.filter(({ stage }) => stage === "held")
    const ready = held.filter(({ isReady }) => isReady)
    const waiting = this.#callers.filter(({ stage }) => stage === "waiting")
    const sync = (caller: Caller<C> | undefined, act: (caller: Caller<C>) => void) =>
      Effect.sync(() => {
        if (caller === undefined) return undefined
        act(caller)
        return caller.name
      })
    const onSession = (
      which: number,
      act: ((session: number) => Effect.Effect<unknown>) | undefined,
      lent: boolean
    ) => {
      const numbers = lent
        ? held.map((caller) => server.numberOf(caller.connection!))
        : (this.#last?.sessions ?? []).map(({ number }) => number)
      const session = this.#among(numbers, which)
      return session === undefined || act === undefined
        ? nothing
        : Effect.as(act(session), String(session))
    }
    switch (command._tag) {
      case "Acquire":
        return Effect.sync(() => this.#acquire(command))
      case "Release":
        return sync(this.#among(held, command.which), (caller) => this.#release(caller, command.tag))
      case "Drop":
        return sync(this.#among(held, command.which), (caller) => {
          caller.leave(undefined)
          this.#world.fork(this.#pool.drop(caller.connection!))
          caller.end("success")
        })
      case "End":
        return sync(this.#among(ready, command.which), (caller) => caller.end(command.how))
      case "SetTag":
        return sync(this.#among(held, command.which), (caller) => this.#setTag(caller, command.tag))
      case "Begin":
        return server.begin === undefined
          ? nothing
          : sync(this.#among(ready, command.which), (caller) => caller.tell(server.begin!(caller.connection!)))
      case "Execute":
        return sync(this.#among(ready, command.which), (caller) => caller.tell(server.execute(caller.connection!)))
      case "InterruptHolder":
        return sync(this.#among(held, command.which), (caller) => caller.interrupt())
      case "InterruptWaiter":
        return sync(this.#among(waiting, command.which), (caller) => caller.interrupt())
      case "Advance":
        return this.#world.advance === undefined
          ? nothing
          : Effect.as(this.#world.advance(command.millis), "")
      case "Kill":
        return onSession(command.which, server.kill, false)
      case "KillAll":
        return Effect.as(server.killAll, "")
      case "ReportFatal":
        return onSession(command.which, server.reportFatal, true)
      case "AnnounceShutdown":
        return onSession(command.which, server.announceShutdown, false)
      case "RefuseToOpen":
        this.#hasRefused = true
        return Effect.as(server.refuseToOpen(command.times), "")
      case "Heal":
        return Effect.as(server.heal, "")
      case "Slow":
      case "Misbehave": {
        if (server.behave === undefined || this.#world.advance === undefined) return nothing
        if (command.operation !== "open" && command.operation !== "execute") this.#isTroubled = true
        return Effect.as(
          server.behave(
            command.operation,
            command._tag === "Slow"
              ? { latency: command.millis }
              : { outcome: command.outcome, times: command.times }
          ),
          ""
        )
      }
      case "Reconfigure":
        return Effect.sync(() => this.#reconfigure(command.changes))
      case "Close":
        return Effect.sync(() => this.#close(command.how))
    }
  }

  #acquire(command: Command & { readonly _tag: "Acquire" }): string {
    const caller = new Caller<C>({
      number: this.#callers.length,
      request: command.request,
      subject: this.#subject,
      world: this.#world,
      server: this.#bench.server,
      memory: this.#memory,
      settings: () => this.#settings
    })
    this.#callers.push(caller)
    caller.start(this.#pool, command.by, [this.#subject.account, ...this.#subject.otherAccounts])
    return caller.name
  }

  #expect(law: number, exit: Exit.Exit<unknown, unknown>, failure: string | undefined, what: string): void {
    const text = Exit.isSuccess(exit) ? "" : String(exit.cause)
    if (failure === undefined ? Exit.isFailure(exit) : !text.includes(failure)) {
      const came = Exit.isSuccess(exit) ? "succeeded" : `failed: ${text}`
      this.#breaches.push({ law, problem: `${what} ${came}${failure === undefined ? "" : `, not with ${failure}`}` })
    }
  }

  #release(caller: Caller<C>, tag: string | undefined): void {
    const connection = caller.connection!
    const isGood = isWellFormed(tag)
    if (isGood) caller.leave(tag ?? connection.tag)
    this.#world.fork(this.#pool.release(connection, { tag })).addObserver((exit) => {
      this.#expect(8, exit, isGood ? undefined : "InvalidTagError", `releasing ${caller.name}`)
      if (!isGood && connection.isReleased) {
        this.#breaches.push({ law: 8, problem: `a malformed tag ended the lease of ${caller.name}` })
      }
    })
    if (isGood) caller.end("success")
  }

  #setTag(caller: Caller<C>, tag: string): void {
    const connection = caller.connection!
    const before = connection.tag
    const isGood = isWellFormed(tag)
    this.#world.fork(connection.setTag(tag)).addObserver((exit) => {
      this.#expect(8, exit, isGood ? undefined : "InvalidTagError", `setting the tag of ${caller.name}`)
      const shown = connection.tag ?? ""
      if (shown !== (isGood ? tag : before ?? "")) {
        this.#breaches.push({ law: 8, problem: `the tag of ${caller.name} is "${shown}" after setTag` })
      }
    })
  }

  #reconfigure(changes: Partial<ScriptSettings>): string {
    const settings = { ...this.#settings, ...changes }
    const isOpen = this.#phase === "open"
    const isGood = isOpen && settings.min <= settings.max
    const failure = isGood ? undefined : isOpen ? "InvalidOptionsError" : "PoolClosedError"
    this.#world.fork(this.#pool.reconfigure(changes)).addObserver((exit) => {
      this.#expect(1, exit, failure, "reconfiguring")
      if (!isGood) return
      this.#settings = settings
      this.#mostInShard = Math.max(this.#mostInShard, settings.maxSessionsPerShard || Infinity)
      this.#mostAllowed = settings.getMode === "forceGet" ? Infinity : Math.max(this.#mostAllowed, settings.max)
    })
    return ""
  }

  #close(how: "plain" | "drain" | "force"): string {
    const busy = this.#phase === "open" && how === "plain" ? this.#last?.statistics.busy ?? 0 : 0
    const options = how === "plain" ? {} : how === "drain" ? { drainTimeout } : { force: true }
    if (busy === 0 && this.#phase === "open") this.#phase = "closing"
    this.#world.fork(this.#pool.close(options)).addObserver((exit) => {
      this.#expect(4, exit, busy > 0 ? "PoolBusyError" : undefined, "closing")
      if (Exit.isSuccess(exit)) this.#phase = "closed"
    })
    return ""
  }

  #look(command: Command | undefined): Effect.Effect<Observation, unknown> {
    return Effect.gen({ self: this }, function*() {
      const { server } = this.#bench
      const now = this.#world.now()
      const requests = this.#callers.map((caller) => caller.view())
      const seen = yield* server.sessions
      const sessions = seen.map((session): SessionView => {
        const holder = requests.find(({ lent, stage }) => stage === "held" && lent!.session === session.number)
        const openedAt = this.#memory.openedAt.get(session.number) ?? session.openedAt ?? now
        this.#memory.openedAt.set(session.number, openedAt)
        const view: SessionView = {
          ...session,
          identity: this.#memory.identities.get(session.number),
          wasLent: this.#memory.identities.has(session.number),
          tag: this.#memory.tags.get(session.number),
          shard: shardText(session),
          holder: holder?.name,
          openedAt,
          idleSince: undefined
        }
        return { ...view, idleSince: this.#idleAt(view, requests, now) }
      })
      const refusals = server.refusals === undefined ? undefined : yield* server.refusals
      const hasRefused = this.#hasRefused
      const statistics = yield* this.#pool.statistics
      // After a failure, opening goes on with one session; the others follow once that is open.
      const isProbed = ({ at, proxyUser, user }: Refusal): boolean =>
        statistics.opening > 0 &&
        !sessions.some((session) => session.openedAt > at && session.user === user && session.proxyUser === proxyUser)
      const backingOff = (user: string, at = now): boolean =>
        refusals === undefined ?
          hasRefused :
          refusals.some((refusal) =>
            !refusal.isAuthentication && (user === "" || refusal.user === user) && refusal.at <= at &&
            (at - refusal.at <= longestPause || isProbed(refusal))
          )
      return {
        now,
        command,
        settings: this.#settings,
        phase: this.#phase,
        statistics,
        sessions,
        // Looked at once more: sessions have told by now when they were opened.
        requests: this.#callers.map((caller) => caller.view()),
        mostOpen: yield* server.mostOpen,
        mostAllowed: this.#mostAllowed,
        mostInShard: this.#mostInShard,
        refusedLogins: refusals?.filter(({ isAuthentication }) => isAuthentication).length ?? 0,
        backingOff,
        isTroubled: this.#isTroubled
      }
    })
  }

  /** Since when a session has been idle: being pinged in between does not count. */
  #idleAt(session: SessionView, requests: Observation["requests"], now: number): number | undefined {
    const leases = requests.filter(({ lent }) => lent?.session === session.number).length
    const known = this.#idle.get(session.number)
    const since = known !== undefined && known.leases === leases && session.holder === undefined
      ? known.since
      : undefined
    const idle = { leases, since: since ?? (isFree(session) ? now : undefined) }
    this.#idle.set(session.number, idle)
    return idle.since
  }
}
