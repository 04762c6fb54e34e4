/** Random orders that are the same in every run. */

/** The numbers below `count`, each once, in an order that depends on the seed alone. */
export const permutation = (count: number, seed: number): Uint32Array => {
  const order = Uint32Array.from({ length: count }, (_, index) => index)
  let state = Math.imul(seed + 1, 2_654_435_761) >>> 0
  for (let last = count - 1; last > 0; last--) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    // The high digits of this generator are the random ones.
    const other = Math.floor(state / 2 ** 32 * (last + 1))
    const kept = order[last]!
    order[last] = order[other]!
    order[other] = kept
  }
  return order
}
