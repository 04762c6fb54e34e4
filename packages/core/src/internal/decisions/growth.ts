/** One group of sessions, as far as growth is concerned. */
interface Demand {
  /** Waiting requests that no session is being opened or pinged for. */
  readonly unmet: number
  /** Sessions opened at a time; 1 for identities of single requests. */
  readonly increment: number
  /** How many more sessions the group's shard may hold. */
  readonly shardRoom: number
}

/**
 * How many sessions to open for a group: whole increments that cover its waiting requests, as far as the pool and the
 * shard have room. What an increment opens beyond the need leaves room for the requests of other groups.
 */
export const sessionsToOpen = (demand: Demand, room: number, unmetElsewhere: number): number => {
  const limit = Math.min(room, demand.shardRoom)
  const needed = Math.min(demand.unmet, limit)
  const wanted = Math.ceil(demand.unmet / demand.increment) * demand.increment
  return Math.max(needed, Math.min(wanted, limit, room - unmetElsewhere), 0)
}

/** How many sessions to open so that `min` are there. */
export const sessionsToFill = (min: number, openOrOpening: number, room: number): number =>
  Math.max(0, Math.min(min - openOrOpening, room))

/** How many idle sessions to close so that waiting requests find room: those that no closing session makes room for. */
export const sessionsToReplace = (unmet: number, roomToCome: number): number =>
  Math.max(0, unmet - Math.max(0, roomToCome))

/** Whether a request that is passed over by later ones has waited for its turn long enough. */
export const isOverdue = (passedOver: number, max: number): boolean => passedOver >= 4 * max
