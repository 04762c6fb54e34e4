/**
 * When to try something again whose outcome others decide: after the same pause while it works, after pauses that double while it does
 * not.
 */
export class Trials {
  /** When it is due; `Infinity` while there is nothing to try. */
  at = Infinity
  readonly #first: number
  readonly #longest: number
  #pause: number
  #isUnderWay = false

  /** `Infinity` for the first pause: it is never due. */
  constructor(first: number, longest: number) {
    this.#first = first
    this.#longest = longest
    this.#pause = first
  }

  /** There is something to try. */
  arm(now: number): void {
    if (this.at === Infinity) this.at = now + this.#pause
  }

  /** There is nothing to try any more. */
  rest(): void {
    this.at = Infinity
    this.#pause = this.#first
    this.#isUnderWay = false
  }

  /** Nothing was tried this time. */
  postpone(now: number): void {
    this.at = now + this.#pause
  }

  /** It is being tried. */
  begin(now: number): void {
    this.#isUnderWay = true
    this.at = now + this.#pause
  }

  /** What came of it is known. */
  end(now: number, hasWorked: boolean): void {
    if (!this.#isUnderWay) return
    this.#isUnderWay = false
    this.#pause = hasWorked ? this.#first : Math.min(2 * this.#pause, this.#longest)
    this.at = now + this.#pause
  }
}
