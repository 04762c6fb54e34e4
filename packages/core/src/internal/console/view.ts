/** A pool as the console shows it: what is collected of each, and the news since the last time. */
import type { Connection } from "../../Connection.ts"
import type { PoolEvent } from "../../PoolEvent.ts"
import type { HealthReason, PoolHealth } from "../../PoolHealth.ts"
import type { PoolSession } from "../../PoolSession.ts"
import type { PoolStatistics } from "../../PoolStatistics.ts"
import type { SessionPool } from "../../SessionPool.ts"
import { type Figures, History, type Stroke, strokeOf } from "./history.ts"

/** The pools that a console can show: of any connection, with any failures. */
export type AnyPool = SessionPool<Connection, unknown>

/** A stroke as it is sent: moment, session, kind, tag. */
type SentStroke = readonly [at: number, session: number, kind: Stroke["kind"], tag: string]

/** A session as it is sent. */
interface SentSession {
  readonly number: number
  readonly place: string
  /** How long it has been there. */
  readonly placeMillis: number | undefined
  readonly ageMillis: number
  readonly identity: string
  readonly tag: string | undefined
  readonly instance: string | undefined
  /** Its numbers at the server. */
  readonly server: string | undefined
  /** Who holds it: where in the program, in which span, on which fiber, as far as it is known. */
  readonly holder: string | undefined
  readonly operation: string | undefined
}

/** Whether a pool is ready, in a sentence. */
interface SentHealth {
  readonly ready: boolean
  readonly text: string
}

const holderOf = ({ lease }: PoolSession): string | undefined => {
  if (lease === undefined) return undefined
  const fiber = lease.fiber === undefined ? undefined : `fiber #${lease.fiber}`
  return [lease.span?.name, lease.takenAt, fiber].filter((part) => part !== undefined).join(", ")
}

export const sentSession = (session: PoolSession): SentSession => ({
  number: session.session,
  place: session.place,
  placeMillis: session.lease?.heldMillis ?? session.idleMillis,
  ageMillis: session.ageMillis,
  identity: session.identity,
  tag: session.tag,
  instance: session.instance,
  server: session.sid === undefined ? undefined : `${session.sid},${session.serial ?? "?"}`,
  holder: holderOf(session),
  operation: session.statement
})

/** By their codes: the pool's own sentences may hold what a driver has said. */
const healthTexts: Record<HealthReason["code"], string> = {
  closed: "it is closed",
  closing: "it is closing",
  suspended: "it is suspended, and requests wait",
  starting: "no session has been opened yet",
  cannotOpen: "sessions cannot be opened",
  credentialsRefused: "the database refuses the credentials",
  overloaded: "it is overloaded, and requests are refused",
  exhausted: "every session is busy, and requests wait",
  leaked: "every session has leaked, and requests wait"
}

export const sentHealth = ({ isReady, reasons }: PoolHealth): SentHealth => ({
  ready: isReady,
  text: [isReady ? "ready" : "not ready", ...reasons.map(({ code }) => healthTexts[code])].join(": ")
})

/** News of one pool. */
interface PoolNews {
  readonly statistics: PoolStatistics
  readonly health: SentHealth
  /** Not in every frame: there may be many. */
  readonly sessions: ReadonlyArray<SentSession> | undefined
  readonly figures: Figures
  readonly strokes: ReadonlyArray<SentStroke>
}

/** News of all pools, as of one moment of the server's clock. */
export interface Frame {
  readonly now: number
  readonly pools: ReadonlyArray<PoolNews>
}

/**
 * How many strokes are kept until they are sent. A page that misses some shows a lane as it was for a moment longer: frames also say
 * which sessions are busy.
 */
const strokesKept = 4000

/** What has been collected of one pool. */
export class PoolView {
  readonly pool: AnyPool
  readonly name: string
  readonly #history = new History()
  #strokes: Array<SentStroke> = []

  constructor(pool: AnyPool, name: string) {
    this.pool = pool
    this.name = name
  }

  add(event: PoolEvent): void {
    this.#history.add(event)
    const stroke = strokeOf(event)
    if (stroke === undefined) return
    this.#strokes.push([stroke.at, stroke.session, stroke.kind, stroke.tag])
    if (this.#strokes.length > 2 * strokesKept) this.#strokes = this.#strokes.slice(-strokesKept)
  }

  get figures(): Figures {
    return this.#history.figures
  }

  /** The strokes since the last time that they were taken. */
  takeStrokes(): ReadonlyArray<SentStroke> {
    const taken = this.#strokes
    this.#strokes = []
    return taken
  }
}
