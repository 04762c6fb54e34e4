/** What is plotted, from which results. */

/** One chart: bars, one for each candidate of a group, or lines over the sizes of a group, one for each candidate. */
export interface Panel {
  readonly kind: "bars" | "lines"
  readonly title: string
  readonly row: string
  readonly group: string
  readonly metric: string
  /** What the horizontal axis of lines counts. */
  readonly across?: string
  /** Which candidates lines are drawn for, where there are more than six. */
  readonly only?: ReadonlyArray<string>
  /** Whether the vertical axis is logarithmic; the horizontal one of lines always is. */
  readonly isLogarithmic?: boolean
}

export interface Plot {
  /** Its file under `benchmarks/results`, without the extension. */
  readonly name: string
  readonly title: string
  readonly panels: ReadonlyArray<Panel>
}

const contention = (title: string, metric: string, isLogarithmic = false): Panel => ({
  kind: "lines",
  title,
  row: "contention",
  group: "fibers on 10 sessions",
  metric,
  across: "fibers",
  isLogarithmic,
  only: [
    "sessionpool use",
    "sessionpool acquire, scoped",
    "Effect Pool.use",
    "generic-pool in fibers",
    "lightning-pool in fibers",
    "floor: use, a bare queue"
  ]
})

const cancellation = (title: string, group: string): Panel => ({
  kind: "lines",
  title,
  row: "cancellation",
  group,
  metric: "time in all",
  across: "waiters",
  isLogarithmic: true
})

const growth = (title: string, group: string, across: string): Panel => ({
  kind: "lines",
  title,
  row: "growth",
  group,
  metric: "time, each",
  across,
  isLogarithmic: true
})

const lease = (title: string, metric: string): Panel => ({
  kind: "bars",
  title,
  row: "lease",
  group: "one lease, 10 idle sessions",
  metric
})

const memory = (title: string, group: string): Panel => ({
  kind: "bars",
  title,
  row: "memory",
  group,
  metric: "memory, each"
})

const sweep = (title: string, group: string): Panel => ({
  kind: "bars",
  title,
  row: "eviction",
  group,
  metric: "time of the sweep"
})

const endToEnd = (title: string, group: string): Panel => ({
  kind: "lines",
  title,
  row: "end-to-end",
  group,
  metric: "leases a second",
  across: "callers",
  only: [
    "sessionpool",
    "sessionpool, scoped",
    "node-oracledb pool, acquireUseRelease",
    "node-oracledb pool, async/await",
    "Effect Pool, rolling back"
  ]
})

const outage = (title: string, metric: string): Panel => ({
  kind: "bars",
  title,
  row: "recovery",
  group: "a long outage",
  metric
})

export const plots: ReadonlyArray<Plot> = [
  {
    name: "lease",
    title: "Borrow and return, one caller",
    panels: [lease("time a lease", "time a lease"), lease("allocation a lease", "allocation a lease")]
  },
  {
    name: "contention",
    title: "Many fibers on 10 sessions, each lease one turn of the event loop",
    panels: [contention("leases a second", "throughput"), contention("wait, 99th percentile", "wait p99", true)]
  },
  {
    name: "fairness",
    title: "The longest wait over the median wait (1: all wait alike)",
    panels: [
      contention("in leases that began meanwhile", "the same in leases"),
      contention("in time, pauses of the machine included", "longest wait / median", true)
    ]
  },
  {
    name: "cancellation",
    title: "So many requests wait and give up: time in all",
    panels: [
      cancellation("cancelled, oldest first", "waiters cancelled, oldest first"),
      cancellation("cancelled, newest first", "waiters cancelled, newest first"),
      cancellation("cancelled, in random order", "waiters cancelled, in random order"),
      cancellation("timed out", "waiters that time out")
    ]
  },
  {
    name: "eviction",
    title: "The sweep of idle sessions",
    panels: [
      sweep("10,000 idle, none expired", "eviction sweep, none expired"),
      sweep("10,000 idle, one expired", "eviction sweep, one expired"),
      {
        kind: "lines",
        title: "all expired",
        row: "eviction",
        group: "eviction sweep, all expired",
        metric: "time of the sweep",
        across: "sessions",
        isLogarithmic: true
      }
    ]
  },
  {
    name: "memory",
    title: "Bytes that are kept",
    panels: [
      memory("an idle session", "an idle session"),
      memory("a lease", "a lease"),
      memory("a waiter, with its fiber or function", "a waiting request, its fiber or async function included")
    ]
  },
  {
    name: "growth",
    title: "Time of one operation, the more there is of everything (level: it costs the same)",
    panels: [
      growth("a lease, so many idle sessions", "a lease, so many idle sessions", "sessions"),
      growth("a lease, all other sessions lent", "a lease, all other sessions lent, so many sessions", "sessions"),
      growth("a waiter is served", "a waiter is served, so many wait", "waiters"),
      growth("a lease by exact tag", "a lease by exact tag, so many tags", "tags")
    ]
  },
  {
    name: "end-to-end",
    title: "Leases a second over the real driver, 8 sessions",
    panels: [
      endToEnd("1 statement a lease", "1 statement a lease"),
      endToEnd("20 statements a lease", "20 statements a lease")
    ]
  },
  {
    name: "recovery",
    title: "The server is down for 5 seconds",
    panels: [
      outage("time until throughput is back", "time until throughput is back"),
      outage("errors that callers see", "errors"),
      outage("connection attempts", "connection attempts")
    ]
  }
]
