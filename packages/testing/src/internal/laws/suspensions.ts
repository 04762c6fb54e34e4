/** When a pool of a script was suspended: no session is lent meanwhile, and waiting does not count. */
export class Suspensions {
  readonly #spans: Array<{ readonly from: number; to: number }> = []

  get isOn(): boolean {
    return this.#spans.at(-1)?.to === Infinity
  }

  /** The pool is suspended or resumed; it may be so already. */
  turn(on: boolean, now: number): void {
    if (on === this.isOn) return
    if (on) this.#spans.push({ from: now, to: Infinity })
    else this.#spans.at(-1)!.to = now
  }

  /** For how long the pool was suspended between two moments. */
  between(since: number, until: number): number {
    return this.#spans.reduce(
      (total, { from, to }) => total + Math.max(0, Math.min(until, to) - Math.max(since, from)),
      0
    )
  }
}
