/** A script that is being played: its pool, its callers, and what is known of both so far. */
import type { Connection, SessionPool } from "@sessionpool/core"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Caller, type Manner, Memory } from "./callers.ts"
import type { ScriptRequest, ScriptSettings } from "./command.ts"
import { Faults } from "./driverFaults.ts"
import { LogOnWatch } from "./logOnWatch.ts"
import type { Observation } from "./observation.ts"
import type { Breach } from "./restLaws.ts"
import { poolSettings } from "./settings.ts"
import type { Bench, PreparationFailed, Subject } from "./subject.ts"
import { Suspensions } from "./suspensions.ts"
import type { Hook } from "./trouble.ts"
import { complete, type World } from "./world.ts"

/** The most requests that the listener makes: each of them causes events. */
const mostAsked = 12

/** How long opening takes while somebody waits for a pool. */
const openLatency = 100
/** The first session is opened alone, and may be followed by several rounds of others. */
const untilMade = 1000

export type Pool<C extends Connection.Connection> = SessionPool.SessionPool<C, PreparationFailed>

export class Play<C extends Connection.Connection> {
  readonly world: World
  readonly subject: Subject<C>
  readonly bench: Bench<C>
  readonly scope: Scope.Closeable
  readonly memory = new Memory()
  readonly hooks = new Faults<Hook>()
  readonly logOns: LogOnWatch
  readonly callers: Array<Caller<C>> = []
  readonly breaches: Array<Breach> = []
  /** The scopes of pools of the same name beside this one. */
  readonly twins: Array<Scope.Closeable> = []
  settings: ScriptSettings
  phase: Observation["phase"] = "open"
  mostAllowed: number
  mostInShard: number
  isTroubled = false
  hasDefects = false
  hasRefused = false
  readonly suspensions = new Suspensions()
  /** Sessions that were open when the pool was refreshed. */
  readonly refreshed = new Set<number>()
  /** Sessions that were on an instance when that was drained, as long as it is. */
  readonly drained = new Set<number>()
  last: Observation | undefined = undefined
  /** Sessions that were closed to make room for others, as far as the listener was told. */
  replaced = 0
  /** The password of the pool's own account, at the server and in the pool. */
  readonly passwords: { server: string; pool: string }
  #pool: Pool<C> | undefined = undefined
  #rotations = 0
  #asked = 0
  #listener: Fiber.Fiber<unknown, unknown> | undefined = undefined

  constructor(world: World, subject: Subject<C>, bench: Bench<C>, settings: ScriptSettings) {
    this.world = world
    this.subject = subject
    this.bench = bench
    this.scope = Scope.makeUnsafe()
    this.settings = settings
    this.mostAllowed = settings.getMode === "forceGet" ? Infinity : settings.max
    this.mostInShard = settings.maxSessionsPerShard || Infinity
    this.passwords = { server: subject.account.password, pool: subject.account.password }
    this.logOns = new LogOnWatch(settings.hasCredentialsEffect)
  }

  get pool(): Pool<C> {
    if (this.#pool === undefined) throw new Error("the pool of the script was not made")
    return this.#pool
  }

  /** Makes the pool, and the requests that its maker has for it. */
  get open(): Effect.Effect<Pool<C>, unknown> {
    return Effect.suspend(() => {
      const made = this.bench.makePool(this.#poolSettings)
      // What is asked at once is asked in the fiber that waits for the pool, without a yield between.
      const asked = Effect.map(made, (pool) => {
        this.#pool = pool
        for (let i = 0; i < this.settings.asksAtOnce; i++) this.request({}, { by: "use" })
        if (this.settings.listener !== "absent") this.#listen(pool)
        return pool
      })
      const opening = Scope.provide(asked, this.scope)
      const { advance } = this.world
      const { behave } = this.bench.server
      if (this.settings.asksAtOnce === 0 || advance === undefined || behave === undefined) {
        return complete(this.world, opening)
      }
      // Its maker waits: opening takes its time, up to when the pool is there.
      return behave("open", { latency: openLatency }).pipe(
        Effect.andThen(Effect.sync(() => this.world.fork(opening))),
        Effect.tap(() => advance(untilMade)),
        Effect.tap(() => behave("open", { latency: 0 })),
        Effect.flatMap((fiber) => fiber.pollUnsafe() ?? Effect.die(new Error("the pool was not made in time")))
      )
    })
  }

  get #poolSettings() {
    return poolSettings(this.settings, {
      server: this.bench.server,
      memory: this.memory,
      hooks: this.hooks,
      user: this.subject.account.user,
      password: () => this.passwords.pool
    })
  }

  #listen(pool: Pool<C>): void {
    const asks = this.settings.listener === "asks"
    this.#listener = this.world.fork(Stream.runForEach(pool.events, (event) =>
      Effect.sync(() => {
        if (event._tag === "SessionClosed" && event.reason === "replaced") this.replaced++
        const tellsOfASession = event._tag === "SessionOpened" || event._tag === "SessionReturned"
        if (!asks || !tellsOfASession || this.#asked >= mostAsked) return
        this.#asked++
        this.request({}, { by: "use", holdsFor: 0 })
      })))
  }

  /** Ends what listens; the pool's end does so too. */
  stopListening(): void {
    this.#listener?.interruptUnsafe()
  }

  /** Somebody asks for a session. */
  request(request: ScriptRequest, manner: Manner): Caller<C> {
    const caller = new Caller<C>({
      number: this.callers.length,
      request,
      subject: this.subject,
      world: this.world,
      server: this.bench.server,
      memory: this.memory,
      settings: () => this.settings
    })
    this.callers.push(caller)
    caller.start(this.pool, manner, [this.subject.account, ...this.subject.otherAccounts])
    return caller
  }

  /** Another pool of the same name, which opens nothing. */
  get openTwin(): Effect.Effect<void, unknown> {
    return Effect.gen({ self: this }, function*() {
      const scope = yield* Scope.make()
      const made = this.bench.makePool({ ...this.#poolSettings, min: 0, waitForMin: false })
      yield* complete(this.world, Scope.provide(made, scope))
      this.twins.push(scope)
    })
  }

  /** A password that the account never had. */
  nextPassword(): string {
    return `secret ${++this.#rotations}`
  }

  /** Whether log-ons to the pool's own account may be refused, or are not tried any more. */
  get isOwnAccountInDoubt(): boolean {
    return this.passwords.server !== this.passwords.pool || this.logOns.hasRefused(this.subject.account.user)
  }
}
