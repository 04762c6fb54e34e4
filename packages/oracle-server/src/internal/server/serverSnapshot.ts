/** Snapshots of a whole server: its databases and its users; and the options of a server that starts from one. */
import type { Engine, EngineSnapshot } from "../engine/engine.ts"
import type { Options } from "./options.ts"
import type { Users, UsersSnapshot } from "./users.ts"

/** What `snapshot` gives to callers, who only see the names of the databases. */
export class ServerSnapshot {
  readonly databases: ReadonlyArray<string>
  readonly #engines: ReadonlyMap<string, EngineSnapshot>
  readonly #users: UsersSnapshot

  constructor(engines: ReadonlyMap<string, EngineSnapshot>, users: UsersSnapshot) {
    this.databases = [...engines.keys()]
    this.#engines = engines
    this.#users = users
  }

  static take(engines: ReadonlyMap<string, Engine>, users: Users): ServerSnapshot {
    return new ServerSnapshot(
      new Map([...engines].map(([name, engine]) => [name, engine.snapshot()])),
      users.snapshot()
    )
  }

  /** Nothing happens when the server has another set of databases. */
  restore(engines: ReadonlyMap<string, Engine>, users: Users): void {
    const missing = [...engines.keys()].filter((name) => !this.#engines.has(name))
    if (missing.length > 0 || engines.size !== this.#engines.size) {
      throw new Error(
        `the snapshot is of ${this.databases.join(", ")}, this server has ${[...engines.keys()].join(", ")}`
      )
    }
    for (const [name, engine] of engines) engine.restore(this.#engines.get(name)!)
    users.restore(this.#users)
  }
}

/** What a server starts from in place of empty databases. */
export interface Seed {
  readonly snapshot: ServerSnapshot
  /** Users to add to those of the snapshot. */
  readonly users: Options["users"] & object
}

/** The options of a fork: those of its origin, on free ports, without the script that has already run. */
export const forkOptions = (origin: Options, changes: Options): Options => {
  const { instances, port: _port, script: _script, tls, users, ...rest } = origin
  return {
    ...rest,
    ...(tls === undefined ? {} : { tls: { ...tls, port: 0 } }),
    ...(instances === undefined ? {} : {
      instances: instances.map(({ port: _own, tlsPort: _tls, ...instance }) => instance)
    }),
    ...changes,
    ...(users === undefined ? {} : { users: { ...users, ...changes.users } })
  }
}
