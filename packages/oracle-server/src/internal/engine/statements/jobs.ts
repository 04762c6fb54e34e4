/** Jobs (DBMS_SCHEDULER): what runs by itself, when it is due, in a session of its own. */
import type { EngineHost } from "../engine.ts"
import { oraError } from "../values/oraError.ts"

export interface Job {
  readonly owner: string
  readonly name: string
  readonly type: string
  readonly action: string
  /** Milliseconds since 1970; undefined for at once. */
  readonly start: number | undefined
  readonly repeat: string | undefined
  /** Milliseconds between two runs. */
  readonly every: number | undefined
  readonly autoDrop: boolean
  enabled: boolean
  running: boolean
  runs: number
  failures: number
  next: number | undefined
}

interface JobRun {
  readonly owner: string
  readonly name: string
  readonly status: "SUCCEEDED" | "FAILED"
  readonly error: string | undefined
}

const units: Readonly<Record<string, number>> = {
  SECONDLY: 1000,
  MINUTELY: 60_000,
  HOURLY: 3_600_000,
  DAILY: 86_400_000,
  WEEKLY: 604_800_000
}

/** The largest INTERVAL of a calendar. */
const maxInterval = 99

/** Milliseconds of a calendar text; undefined for one that says more than how often. */
export const intervalOf = (calendar: string): number | undefined => {
  const match = /^\s*FREQ\s*=\s*([A-Z]+)\s*(?:;\s*INTERVAL\s*=\s*(\d+)\s*)?;?\s*$/i.exec(calendar)
  const unit = match === null ? undefined : units[match[1]!.toUpperCase()]
  if (unit === undefined) return undefined
  const count = Number(match![2] ?? "1")
  if (count < 1 || count > maxInterval) throw oraError(27465, `invalid value ${calendar} for attribute REPEAT_INTERVAL`)
  return unit * count
}

/** What a job runs, as a block. */
export const blockOf = ({ action, type }: Job): string =>
  type === "STORED_PROCEDURE" ? `begin ${action}; end;` : `begin ${action.trim().replace(/;?\s*$/, ";")} end;`

export class Jobs {
  readonly #host: EngineHost
  readonly #jobs = new Map<string, Job>()
  readonly #stops = new Map<Job, AbortController>()
  readonly runs: Array<JobRun> = []
  /** Runs a block as a user, in a session of its own; set by the database. */
  runAs: (user: string, block: string) => Promise<void> = () => Promise.resolve()

  constructor(host: EngineHost) {
    this.#host = host
  }

  all(): Iterable<Job> {
    return this.#jobs.values()
  }

  add(job: Job): void {
    const key = `${job.owner}.${job.name}`
    if (this.#jobs.has(key)) throw oraError(27477, `"${job.owner}"."${job.name}" already exists`)
    this.#jobs.set(key, job)
  }

  find(key: string): Job {
    const job = this.#jobs.get(key)
    if (job === undefined) throw oraError(27475, `unknown job "${key.split(".").join("\".\"")}"`)
    return job
  }

  drop(job: Job): void {
    this.disable(job)
    this.#jobs.delete(`${job.owner}.${job.name}`)
  }

  disable(job: Job): void {
    job.enabled = false
    job.next = undefined
    this.#stops.get(job)?.abort()
    this.#stops.delete(job)
  }

  enable(job: Job): void {
    if (job.enabled) return
    job.enabled = true
    const stop = new AbortController()
    this.#stops.set(job, stop)
    job.next = Math.max(this.#host.now(), job.start ?? 0)
    void this.#keep(job, stop.signal)
  }

  async #keep(job: Job, signal: AbortSignal): Promise<void> {
    while (job.next !== undefined && !signal.aborted) {
      try {
        await this.#host.sleep(Math.max(0, job.next - this.#host.now()), signal)
      } catch {
        return
      }
      if (signal.aborted) return
      await this.run(job, () => this.runAs(job.owner, blockOf(job)))
      if (signal.aborted) return
      job.next = job.every === undefined ? undefined : job.next + job.every
    }
    job.enabled = false
    this.#stops.delete(job)
    if (job.autoDrop) this.#jobs.delete(`${job.owner}.${job.name}`)
  }

  /** One run, whoever asks for it; its failure is kept with it. */
  async run(job: Job, work: () => Promise<void>): Promise<void> {
    job.running = true
    try {
      await work()
      this.ended(job, undefined)
    } catch (error) {
      this.ended(job, error as Error)
    }
  }

  ended(job: Job, error: Error | undefined): void {
    job.running = false
    job.runs++
    if (error !== undefined) job.failures++
    this.runs.push({
      owner: job.owner,
      name: job.name,
      status: error === undefined ? "SUCCEEDED" : "FAILED",
      error: error?.message
    })
  }

  /** The database is over. */
  close(): void {
    for (const stop of this.#stops.values()) stop.abort()
    this.#stops.clear()
    this.#jobs.clear()
  }
}
