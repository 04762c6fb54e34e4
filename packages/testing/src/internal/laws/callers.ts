/** The callers of a pool in a script: each asks for a session, holds it, and does with it what the script says. */
import type { Connection, SessionPool, SessionRequest } from "@sessionpool/core"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import type { ScriptRequest, ScriptSettings } from "./command.ts"
import { canonicalTag, type LentView, type RequestView, type Stage, type Wanted, wantedOf } from "./observation.ts"
import type { Account, PreparationFailed, Server, Subject } from "./subject.ts"
import type { World } from "./world.ts"

/** The failure that a script ends a lease with. */
class ToldTo extends Error {
  override readonly name = "ToldTo"
}

/** What callers know together of the sessions they have held. */
export class Memory {
  readonly tags = new Map<number, string | undefined>()
  readonly identities = new Map<number, string>()
  readonly openedAt = new Map<number, number>()
  /** Connections that `onSession` has seen. */
  readonly prepared = new WeakSet<object>()
  /** Sessions on which a hook is at work. */
  readonly inOnSession = new Set<number>()
  readonly inResetSession = new Set<number>()
}

const nameOf = (number: number): string => {
  const letter = String.fromCodePoint(97 + number % 26)
  return number < 26 ? letter : `${letter}${Math.floor(number / 26)}`
}

/** A statement that runs beside others on the connection of a caller. */
interface Statement {
  readonly name: string
  readonly fiber: Fiber.Fiber<unknown, unknown>
}

/** How a caller behaves, beside what it is told. */
export interface Manner {
  readonly by: "acquire" | "use"
  /** For how long it holds its session; until it is told when absent. */
  readonly holdsFor?: number | undefined
  readonly changesRequest?: boolean | undefined
  /** Whether everything was at rest when it asked. */
  readonly isAtRest?: boolean | undefined
}

/** One caller. */
export class Caller<C extends Connection.Connection> {
  readonly name: string
  readonly number: number
  readonly request: ScriptRequest
  readonly wanted: Wanted
  readonly since: number
  readonly limit: number
  readonly mode: ScriptSettings["getMode"]
  readonly #world: World
  readonly #server: Server<C>
  readonly #memory: Memory
  readonly #settings: () => ScriptSettings
  stage: Stage = "waiting"
  connection: C | undefined = undefined
  #lent: LentView | undefined = undefined
  #endedAt = 0
  #failure: string | undefined = undefined
  #failureMessage = ""
  readonly statements: Array<Statement> = []
  #identitiesSeen: ReadonlyArray<string> = []
  #holdsFor: number | undefined = undefined
  #isAtRest = false
  #wasInterrupted = false
  #next: ((then: Effect.Effect<unknown, unknown>) => void) | undefined = undefined
  #fiber: Fiber.Fiber<unknown, unknown> | undefined = undefined

  constructor(options: {
    readonly number: number
    readonly request: ScriptRequest
    readonly subject: Subject<C>
    readonly world: World
    readonly server: Server<C>
    readonly memory: Memory
    readonly settings: () => ScriptSettings
  }) {
    this.number = options.number
    this.name = nameOf(options.number)
    this.request = options.request
    this.wanted = wantedOf(options.request, options.subject.account.user)
    this.#world = options.world
    this.#server = options.server
    this.#memory = options.memory
    this.#settings = options.settings
    const settings = options.settings()
    this.since = options.world.now()
    this.mode = settings.getMode
    this.limit = options.request.waitTimeout ?? (settings.getMode === "timedWait" ? settings.waitTimeout : Infinity)
  }

  /** Whether it holds a session and does nothing with it at the moment. */
  get isReady(): boolean {
    return this.stage === "held" && this.#next !== undefined
  }

  get isRunning(): boolean {
    return this.#fiber?.pollUnsafe() === undefined
  }

  start(
    pool: SessionPool.SessionPool<C, PreparationFailed>,
    manner: Manner,
    accounts: ReadonlyArray<Account>
  ): void {
    const request = requestOf(this.request, accounts)
    this.#holdsFor = manner.holdsFor
    this.#isAtRest = manner.isAtRest === true
    const effect = manner.by === "use"
      ? pool.use(request, (connection) => this.#hold(connection))
      : Effect.scoped(Effect.flatMap(pool.acquire(request), (connection) => this.#hold(connection)))
    this.#fiber = this.#world.fork(effect)
    this.#fiber.addObserver((exit) => this.#ended(exit))
    if (manner.changesRequest === true) changeParts(request)
  }

  /** Statements that have not ended. */
  get running(): ReadonlyArray<Statement> {
    return this.statements.filter(({ fiber }) => fiber.pollUnsafe() === undefined)
  }

  /** Runs a statement beside whatever else runs on the connection. */
  startStatement(): string {
    const name = `${this.name}.${this.statements.length + 1}`
    this.statements.push({ name, fiber: this.#world.fork(this.#server.execute(this.connection!)) })
    return name
  }

  /** Lets the caller do something, and wait for more. */
  tell(effect: Effect.Effect<unknown, unknown>): void {
    const next = this.#next
    this.#next = undefined
    next?.(Effect.andThen(Effect.ignore(effect), Effect.suspend(() => this.#listen())))
  }

  /** Lets the caller go home. */
  end(how: "success" | "failure" | "defect"): void {
    const next = this.#next
    this.#next = undefined
    next?.(how === "success" ? Effect.void : how === "failure" ? Effect.fail(new ToldTo()) : Effect.die(new ToldTo()))
  }

  interrupt(): void {
    this.#wasInterrupted = true
    this.#fiber?.interruptUnsafe()
  }

  /** The lease is over: what the session is known by from here on. */
  leave(tag: string | undefined): void {
    if (this.stage !== "held") return
    this.stage = "ended"
    this.#endedAt = this.#world.now()
    this.#memory.tags.set(this.#lent!.session, canonicalTag(tag))
  }

  view(): RequestView {
    if (this.stage === "held" && this.connection!.isReleased) this.stage = "ended"
    const openedAt = this.#lent === undefined ? undefined : this.#memory.openedAt.get(this.#lent.session)
    return {
      name: this.name,
      request: this.request,
      wanted: this.wanted,
      stage: this.stage,
      since: this.since,
      number: this.number,
      limit: this.limit,
      mode: this.mode,
      lent: this.#lent === undefined ? undefined : { ...this.#lent, openedAt: openedAt ?? this.#lent.at },
      endedAt: this.#endedAt,
      failure: this.#failure,
      failureMessage: this.#failureMessage,
      running: this.running.map(({ name }) => name),
      identitiesSeen: this.#identitiesSeen,
      isAtRest: this.#isAtRest,
      wasInterrupted: this.#wasInterrupted
    }
  }

  #listen(): Effect.Effect<unknown, unknown> {
    return Effect.flatten(Effect.callback<Effect.Effect<unknown, unknown>>((resume) => {
      this.#next = (then) => resume(Effect.succeed(then))
    }))
  }

  #hold(connection: C): Effect.Effect<unknown, unknown> {
    const memory = this.#memory
    return Effect.suspend(() => {
      const session = this.#server.numberOf(connection)
      this.connection = connection
      this.stage = "held"
      this.#lent = {
        session,
        at: this.#world.now(),
        tagLeft: memory.tags.get(session),
        tagShown: connection.tag,
        wasLent: memory.identities.has(session),
        openedAt: 0,
        lifetime: this.#settings().maxLifetimeSession,
        wasPrepared: memory.prepared.has(connection)
      }
      memory.identities.set(session, this.wanted.identity)
      const look = this.#server.identities?.(connection) ?? Effect.succeed([])
      return Effect.andThen(
        Effect.catch(look, () => Effect.succeed([])),
        (seen) => {
          this.#identitiesSeen = seen
          return this.#holdsFor === undefined ? this.#listen() : Effect.sleep(this.#holdsFor)
        }
      )
    }).pipe(Effect.ensuring(Effect.sync(() => {
      this.#next = undefined
      this.leave(connection.tag)
    })))
  }

  #ended(exit: Exit.Exit<unknown, unknown>): void {
    if (this.stage !== "ended") {
      this.stage = "ended"
      this.#endedAt = this.#world.now()
    }
    if (Exit.isSuccess(exit)) return
    const error = Cause.squash(exit.cause)
    if (error instanceof ToldTo) return
    this.#failure = Cause.hasInterruptsOnly(exit.cause)
      ? "interrupt"
      : typeof error === "object" && error !== null && "_tag" in error
      ? String(error._tag)
      : String(error)
    this.#failureMessage = error instanceof Error ? error.message : ""
  }
}

/** The request as the pool takes it. */
const requestOf = (request: ScriptRequest, accounts: ReadonlyArray<Account>): SessionRequest.SessionRequest => {
  const { password, proxy, shardingKey, superShardingKey, user, ...rest } = request
  const account = accounts.find((account) => account.user === user)
  const secret = password === undefined
    ? undefined
    : Redacted.make(password === "wrong" ? "a wrong password" : account?.password ?? "")
  return {
    ...rest,
    // As lists, which a caller can change.
    ...(shardingKey === undefined ? {} : { shardingKey: [shardingKey] }),
    ...(superShardingKey === undefined ? {} : { superShardingKey: [superShardingKey] }),
    ...(user === undefined && proxy === undefined
      ? {}
      : { user: proxy === undefined ? user! : `${user ?? ""}[${proxy}]` }),
    ...(secret === undefined ? {} : { password: secret })
  }
}

/** Changes what a request is made of, as a caller may do that uses the same objects again. */
const changeParts = (request: SessionRequest.SessionRequest): void => {
  for (const key of [request.shardingKey, request.superShardingKey]) {
    if (Array.isArray(key)) key[0] = key[0] === "south" ? "north" : "south"
  }
  Object.assign(request, { tag: "CHANGED=1", cclass: "changed", purity: "default", matchAnyTag: false })
}
