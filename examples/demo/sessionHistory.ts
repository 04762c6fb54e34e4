/** What each session of a pool did, put together from the pool's events. */
import type { PoolEvent } from "@sessionpool/core"

/** A stretch of a session's life: being opened, free, or lent to a request for a tag. */
export interface Stretch {
  readonly session: number
  /** The row in which the session is drawn: sessions that live at the same time are in different rows. */
  readonly row: number
  readonly state: "opening" | "idle" | "busy"
  readonly tag: string | undefined
  readonly from: number
  to: number
}

/** Something that befell the database. */
export interface Incident {
  readonly at: number
  readonly what: string
}

/** A time in which the database is not there; open while it lasts. */
export interface Outage {
  readonly from: number
  to: number | undefined
}

/** Follows the events of one pool. */
export class SessionHistory {
  readonly stretches: Array<Stretch> = []
  readonly incidents: Array<Incident> = []
  readonly outages: Array<Outage> = []
  readonly #current = new Map<number, Stretch>()
  readonly #takenRows = new Set<number>()

  /** The sessions that are open now, by their row. */
  get open(): ReadonlyArray<Stretch> {
    return [...this.#current.values()].sort((a, b) => a.row - b.row)
  }

  get rows(): number {
    return this.stretches.reduce((most, stretch) => Math.max(most, stretch.row + 1), 0)
  }

  incident(at: number, what: string): void {
    this.incidents.push({ at, what })
  }

  outageBegins(at: number): void {
    this.outages.push({ from: at, to: undefined })
  }

  outageEnds(at: number): void {
    const last = this.outages.at(-1)
    if (last !== undefined) last.to = at
  }

  record(event: PoolEvent.PoolEvent): void {
    switch (event._tag) {
      case "SessionOpened": {
        const row = this.#freeRow()
        const { at, session, tookMillis } = event
        this.stretches.push({ session, row, state: "opening", tag: undefined, from: at - tookMillis, to: at })
        this.#begin({ session, row, state: "idle", tag: undefined, from: at, to: at })
        return
      }
      case "SessionLent":
        return this.#go(event.session, event.at, "busy", event.requestedTag)
      case "SessionReturned":
        return this.#go(event.session, event.at, "idle", event.tag)
      case "SessionClosed": {
        const stretch = this.#current.get(event.session)
        if (stretch === undefined) return
        stretch.to = event.at
        this.#current.delete(event.session)
        this.#takenRows.delete(stretch.row)
      }
    }
  }

  #go(session: number, at: number, state: "idle" | "busy", tag: string | undefined): void {
    const before = this.#current.get(session)
    if (before === undefined) return
    before.to = at
    this.#begin({ session, row: before.row, state, tag, from: at, to: at })
  }

  #begin(stretch: Stretch): void {
    this.#takenRows.add(stretch.row)
    this.#current.set(stretch.session, stretch)
    this.stretches.push(stretch)
  }

  #freeRow(): number {
    let row = 0
    while (this.#takenRows.has(row)) row++
    return row
  }
}
