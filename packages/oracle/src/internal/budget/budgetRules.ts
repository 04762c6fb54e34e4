/**
 * How a number of sessions is shared among processes. No effects, and no state but what is passed: one row for the budget, one for each
 * member.
 *
 * Who owns what: a member's `granted` is what it may use. It is counted in the budget's `granted`, and both change in one step. A member
 * lowers its own only after it has so few sessions; so what is granted to all together is never more than `total`, whatever they
 * are on their way to.
 */

/** A process. Moments are milliseconds of the table's clock. */
export interface Member {
  readonly id: string
  /** Sessions that it keeps when it cannot reach the table. */
  readonly floor: number
  /** Sessions that it could use now, with what it needs to grow. */
  readonly demand: number
  /** Sessions that it may have. */
  readonly granted: number
  readonly seenAt: number
}

export interface Budget {
  readonly total: number
  /** What all members may have together. */
  readonly granted: number
  /** No member is to have more than this, but for its floor. */
  readonly level: number
  readonly levelledAt: number
}

export interface Lifetimes {
  /** A member that was not seen for this long has fallen back to its floor by itself. */
  readonly expiryMillis: number
  /** A member that was not seen for this long is gone. */
  readonly forgetMillis: number
  /** How old the level may be. */
  readonly levelMillis: number
}

/** What a member says of itself. */
export interface Report {
  readonly floor: number
  readonly demand: number
  /** Sessions that it has, those that are being opened included. */
  readonly open: number
}

const share = ({ floor, demand }: Pick<Member, "floor" | "demand">, level: number): number =>
  Math.max(floor, Math.min(demand, level))

/** The largest whole level at which the shares of all fit; `total` where all demands do. */
export const levelOf = (total: number, members: ReadonlyArray<Pick<Member, "floor" | "demand">>): number => {
  const fits = (level: number): boolean => {
    let sum = 0
    for (const member of members) {
      sum += share(member, level)
      if (sum > total) return false
    }
    return true
  }
  let low = 0
  let high = total
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (fits(middle)) low = middle
    else high = middle - 1
  }
  return low
}

/** Whether the level has to be found anew, for which all members are read. One of the future is of a clock that was set back. */
export const isLevelOld = (budget: Budget, now: number, { levelMillis }: Lifetimes): boolean =>
  now - budget.levelledAt >= levelMillis || budget.levelledAt > now

/** Takes back what members had that were not seen, and finds the level. Gives the members that have changed, and the ids of those gone. */
export const sweep = (
  budget: Budget,
  members: ReadonlyArray<Member>,
  now: number,
  lifetimes: Lifetimes
): { readonly budget: Budget; readonly changed: ReadonlyArray<Member>; readonly gone: ReadonlyArray<string> } => {
  const changed: Array<Member> = []
  const gone: Array<string> = []
  const left: Array<Member> = []
  for (const member of members) {
    if (member.seenAt > now) {
      // The clock was set back: how long ago that was is not known, so it is counted from now.
      const seen = { ...member, seenAt: now }
      changed.push(seen)
      left.push(seen)
      continue
    }
    const unseen = now - member.seenAt
    if (unseen >= lifetimes.forgetMillis) {
      gone.push(member.id)
      continue
    }
    if (unseen < lifetimes.expiryMillis) {
      left.push(member)
      continue
    }
    const lapsed = { ...member, demand: 0, granted: Math.min(member.granted, member.floor) }
    if (lapsed.granted !== member.granted || member.demand !== 0) changed.push(lapsed)
    left.push(lapsed)
  }
  return {
    budget: {
      ...budget,
      granted: left.reduce((sum, { granted }) => sum + granted, 0),
      level: levelOf(budget.total, left),
      levelledAt: now
    },
    changed,
    gone
  }
}

/**
 * What becomes of a member that reports. Its `granted` falls as far as its sessions have, and rises as far as there is room. `target` is what
 * it is to come to: where that is less than `granted`, it closes sessions and reports again.
 */
export const report = (
  budget: Budget,
  member: Member | undefined,
  id: string,
  given: Report,
  now: number
): { readonly budget: Budget; readonly member: Member; readonly target: number } => {
  const before = member?.granted ?? 0
  // A newcomer that brings sessions along is not let in with more than there is room for.
  const room = budget.total - (budget.granted - before)
  const wanted = share(given, budget.level)
  const granted = wanted >= before
    ? Math.max(before, Math.min(wanted, room))
    : Math.min(before, Math.max(wanted, given.open))
  return {
    budget: { ...budget, granted: budget.granted - before + granted },
    member: { id, floor: given.floor, demand: given.demand, granted, seenAt: now },
    target: Math.min(wanted, granted)
  }
}

/** Gives everything back. */
export const leave = (budget: Budget, member: Member | undefined): Budget => ({
  ...budget,
  granted: budget.granted - (member?.granted ?? 0)
})
