import { spawnSync } from "node:child_process"

/** Problems found by a check; it ends with exit code 1 when there are any. */
export class Report {
  readonly #title: string
  readonly #problems: Array<string> = []

  constructor(title: string) {
    this.#title = title
  }

  add(problem: string): void {
    this.#problems.push(problem)
  }

  get isClean(): boolean {
    return this.#problems.length === 0
  }

  /** Prints what was found, or `summary` when nothing was. */
  end(summary: string): void {
    if (this.isClean) return console.log(`${this.#title}: ${summary}`)
    console.error(`${this.#title}: ${this.#problems.length} problem${this.#problems.length === 1 ? "" : "s"}`)
    for (const problem of this.#problems) console.error(`- ${problem.trimEnd().replaceAll("\n", "\n  ")}`)
    process.exitCode = 1
  }
}

/** Runs a command and gives back all that it printed; `ok` says whether it succeeded. */
export const run = (
  command: string,
  args: ReadonlyArray<string>,
  cwd: string
): { readonly ok: boolean; readonly output: string } => {
  const result = spawnSync(command, args, { cwd, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 })
  if (result.error !== undefined) {
    return { ok: false, output: `${command} could not be started: ${result.error.message}` }
  }
  return { ok: result.status === 0, output: `${result.stdout}${result.stderr}` }
}
