/**
 * The instances of the database that sessions have landed on: how many sessions each has had, which of them are drained, and when the next
 * session is to move from one to another. Which session that is, is decided elsewhere.
 */
import { Trials } from "../data/trials.ts"

/** How soon a session that has landed on a drained instance is closed again, and the longest pause between two of them. */
const firstStray = 1000
const longestStray = 60_000

/** How much longer than the setting pauses become while moved sessions land where they were. */
const longestBalance = 16

/** That an instance is drained. */
interface Drain {
  /** When it ends by itself. */
  readonly until: number
  /** When the next of the sessions is closed that have landed there meanwhile. */
  readonly strays: Trials
  /** Whether it was told that no session is left. */
  isToldEmpty: boolean
}

/** One instance. Its fields are written by `Instances` alone. */
export class Instance {
  /** As the database has it, or as it was typed before a session has landed there. */
  readonly name: string
  /** Sessions since the pool was made that were opened there, and those of them that are gone. */
  readonly opened: number = 0
  readonly closed: number = 0
  readonly drain: Drain | undefined = undefined

  constructor(name: string) {
    this.name = name
  }

  /** Sessions of any kind that are not gone. */
  get sessions(): number {
    return this.opened - this.closed
  }
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

/** Names as people type them: the database tells no two instances apart by case. */
const keyOf = (name: string): string => name.toLowerCase()

export class Instances {
  readonly #known = new Map<string, Writable<Instance>>()
  readonly #drained = new Set<Writable<Instance>>()
  #balance: Trials
  /** The instance that a session was moved away from last. */
  #movedFrom: Instance | undefined = undefined
  /** Called with the name of every instance that a session lands on for the first time. */
  appeared: (name: string) => void = () => {}

  constructor(balanceInterval: number) {
    this.#balance = balanceOf(balanceInterval)
  }

  /** In the order in which they were first heard of. */
  get all(): Iterable<Instance> {
    return this.#known.values()
  }

  get drained(): ReadonlySet<Instance> {
    return this.#drained
  }

  /** When the next session moves for the sake of balance. */
  get balance(): Trials {
    return this.#balance
  }

  /** The instance of a name, which is known from then on; a name that the database tells is how it is spelled. */
  of(name: string, isTold = false): Instance {
    const known = this.#known.get(keyOf(name))
    if (known !== undefined) {
      if (isTold && known.opened === 0) known.name = name
      return known
    }
    const instance = new Instance(name)
    this.#known.set(keyOf(name), instance)
    return instance
  }

  /** The instance of a name, if it is known. */
  find(name: string): Instance | undefined {
    return this.#known.get(keyOf(name))
  }

  /** Those that sessions may be on: there is something to balance when these are two. */
  get open(): ReadonlyArray<Instance> {
    return [...this.#known.values()].filter(({ drain, opened }) => drain === undefined && opened > 0)
  }

  /** A session was opened. */
  landed(instance: Writable<Instance>, now: number): void {
    if (instance.opened++ === 0) this.appeared(instance.name)
    this.#balance.end(now, instance !== this.#movedFrom)
    for (const { drain } of this.#drained) {
      if (drain === undefined) continue
      drain.strays.end(now, instance.drain !== drain)
      if (instance.drain === drain) drain.strays.arm(now)
    }
    this.#armBalance(now)
  }

  /** A session is gone; `true` when it was the last on a drained instance, and that is to be told. */
  left(instance: Writable<Instance>): boolean {
    instance.closed++
    return this.isNewlyEmpty(instance)
  }

  /** Whether it is to be told that no session is left on a drained instance. That is so once. */
  isNewlyEmpty({ drain, sessions }: Instance): boolean {
    if (drain === undefined || drain.isToldEmpty || sessions > 0) return false
    drain.isToldEmpty = true
    return true
  }

  startDrain(instance: Writable<Instance>, until: number): void {
    instance.drain = { until, strays: new Trials(firstStray, longestStray), isToldEmpty: false }
    this.#drained.add(instance)
  }

  endDrain(instance: Writable<Instance>, now: number): void {
    instance.drain = undefined
    this.#drained.delete(instance)
    // One that no session has ever landed on was a name that somebody typed.
    if (instance.opened === 0) this.#known.delete(keyOf(instance.name))
    this.#armBalance(now)
  }

  /** A session is moved away from an instance for the sake of balance. */
  beginMove(from: Instance, now: number): void {
    this.#movedFrom = from
    this.#balance.begin(now)
  }

  /** Another setting is in force. */
  balanceEvery(interval: number, now: number): void {
    this.#balance = balanceOf(interval)
    this.#armBalance(now)
  }

  #armBalance(now: number): void {
    if (this.#balance.at === Infinity && this.#known.size > 1 && this.open.length > 1) this.#balance.arm(now)
  }
}

const balanceOf = (interval: number): Trials => new Trials(interval, longestBalance * interval)
