/** The decisions of a shared rate limiter: windows, buckets, and limits that are learned from refusals. No effects. */
import type { AdaptivePhase } from "effect/persistence/RateLimiter"
import type { Decision } from "./lockedState.ts"

/** Tokens taken in a window that ends, as if each token took its part of it, at `endsAt`. */
export interface Window {
  readonly count: number
  readonly endsAt: number
}

/** Takes tokens of a window unless that goes beyond `limit`; gives the count with them and how long the window still lasts. */
export const takeOfWindow = (
  window: Window | undefined,
  now: number,
  tokens: number,
  refillMillis: number,
  limit: number | undefined
): Decision<Window, readonly [count: number, ttl: number]> => {
  const { count, endsAt } = window ?? { count: 0, endsAt: now }
  const taken = count + tokens
  // A limit of 0 is none, as in the other stores.
  if (limit !== undefined && limit > 0 && taken > limit) return { answer: [taken, endsAt - now] }
  const end = endsAt + refillMillis * tokens
  return { answer: [taken, end - now], keep: { state: { count: taken, endsAt: end }, expiresAt: end } }
}

/** Tokens in a bucket that gains one at each whole interval since `refilledAt`. */
export interface Bucket {
  readonly tokens: number
  readonly refilledAt: number
}

/** Refills a bucket, takes tokens, and gives what remains, below zero too, and the time since the last whole interval. */
export const takeOfBucket = (
  bucket: Bucket | undefined,
  now: number,
  options: {
    readonly tokens: number
    readonly limit: number
    readonly refillMillis: number
    readonly allowOverflow: boolean
  }
): Decision<Bucket, readonly [remaining: number, elapsedMillis: number]> => {
  const { allowOverflow, limit, refillMillis, tokens } = options
  const before = bucket ?? { tokens: limit, refilledAt: now }
  const gained = Math.max(0, Math.floor((now - before.refilledAt) / refillMillis))
  const filled = Math.min(limit, before.tokens + gained)
  // A full bucket has nothing to gain, so its next interval begins when something is taken.
  const refilledAt = filled >= limit ? now : before.refilledAt + gained * refillMillis
  const remaining = filled - tokens
  const left = allowOverflow || remaining >= 0 ? remaining : filled
  const untilFull = (limit - left) * refillMillis
  return {
    answer: [remaining, Math.max(0, now - refilledAt)],
    keep: { state: { tokens: left, refilledAt }, expiresAt: refilledAt + untilFull + refillMillis }
  }
}

/** What a refusal by another service (429) has taught about its limit. */
export interface Learned {
  readonly phase: Exclude<AdaptivePhase, "inactive">
  readonly epoch: number
  readonly until: number
  readonly since: number
  readonly observed: number
  readonly limit: number
  readonly windowMillis: number
}

/** What is learned stays this long after it has ended to count. */
const graceMillis = 60_000

const longestWindowMillis = 60 * 60 * 1000

const inBounds = (millis: number): number =>
  Number.isNaN(millis) ? 1 : Math.min(Math.max(1, millis), longestWindowMillis)

interface Consumed {
  readonly delayMillis: number
  readonly epoch: number
  readonly phase: AdaptivePhase
}

/** Takes tokens under what was learned. */
export const consume = (
  learned: Learned | undefined,
  now: number,
  tokens: number,
  fallbackWindowMillis: number
): Decision<Learned, Consumed> => {
  if (learned === undefined) return { answer: { delayMillis: 0, epoch: 0, phase: "inactive" } }
  const { epoch } = learned
  switch (learned.phase) {
    case "cooldown": {
      if (learned.until > now) return { answer: { delayMillis: learned.until - now, epoch, phase: "cooldown" } }
      return {
        answer: { delayMillis: 0, epoch: epoch + 1, phase: "learning" },
        keep: {
          state: { ...learned, phase: "learning", epoch: epoch + 1, since: now, observed: tokens },
          expiresAt: now + fallbackWindowMillis + graceMillis
        }
      }
    }
    case "learning":
      return {
        answer: { delayMillis: 0, epoch, phase: "learning" },
        keep: {
          state: { ...learned, observed: learned.observed + tokens },
          expiresAt: learned.since + fallbackWindowMillis + graceMillis
        }
      }
    case "learned": {
      const perToken = learned.windowMillis / learned.limit
      const isOver = learned.until <= now
      const observed = (isOver ? 0 : learned.observed) + tokens
      const until = (isOver ? now : learned.until) + perToken * tokens
      const elapsed = observed * perToken - (until - now)
      const windowsBefore = Math.floor((observed - 1) / learned.limit)
      return {
        answer: { delayMillis: Math.max(0, windowsBefore * learned.windowMillis - elapsed), epoch, phase: "learned" },
        keep: {
          state: { ...learned, observed, until },
          expiresAt: Math.max(until, now + learned.windowMillis) + graceMillis
        }
      }
    }
  }
}

const coolDown = (epoch: number, until: number): Decision<Learned, void> => ({
  answer: undefined,
  keep: {
    state: { phase: "cooldown", epoch, until, since: 0, observed: 0, limit: 0, windowMillis: 0 },
    expiresAt: until + graceMillis
  }
})

/** Learns from a refusal that says when to come again. What was consumed under an older epoch teaches nothing. */
export const learn = (
  learned: Learned | undefined,
  now: number,
  refused: { readonly epoch: number; readonly tokens: number; readonly retryAfterMillis: number }
): Decision<Learned, void> => {
  const retryAfter = inBounds(refused.retryAfterMillis)
  const until = now + retryAfter
  if (refused.epoch !== (learned?.epoch ?? 0)) return { answer: undefined }
  if (learned === undefined) return coolDown(0, until)
  if (learned.phase === "cooldown") return coolDown(learned.epoch, Math.max(learned.until, until))
  const accepted = learned.observed - refused.tokens
  if (learned.phase === "learned" || accepted <= 0) return coolDown(learned.epoch, until)
  const windowMillis = inBounds(now - learned.since + retryAfter)
  return {
    answer: undefined,
    keep: {
      state: {
        phase: "learned",
        epoch: learned.epoch + 1,
        until: learned.since + windowMillis,
        since: learned.since,
        observed: accepted,
        limit: accepted,
        windowMillis
      },
      expiresAt: now + windowMillis + graceMillis
    }
  }
}
