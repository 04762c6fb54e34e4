/** How a cost grows. */

export interface Point {
  readonly size: number
  readonly cost: number
}

/**
 * The exponent `b` of the power law `cost = a * size ** b` that is nearest to the points: the slope of the line through their
 * logarithms, by least squares. A cost in proportion to the size has 1, one of every pair 2. Not a number with fewer than two
 * sizes.
 */
export const exponent = (points: ReadonlyArray<Point>): number => {
  const logs = points.map(({ cost, size }) => ({ x: Math.log(size), y: Math.log(cost) }))
  const mean = (of: (log: { readonly x: number; readonly y: number }) => number) =>
    logs.reduce((sum, log) => sum + of(log), 0) / logs.length
  const x = mean((log) => log.x)
  const y = mean((log) => log.y)
  const covariance = mean((log) => (log.x - x) * (log.y - y))
  const variance = mean((log) => (log.x - x) ** 2)
  return variance === 0 ? Number.NaN : covariance / variance
}
