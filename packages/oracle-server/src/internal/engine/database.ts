/** Opens a database: the engine behind the server. */
import type { Engine, EngineOptions, EngineSession, EngineSnapshot } from "./engine.ts"
import { Session } from "./session/session.ts"
import { Core, type CoreSnapshot } from "./statements/core.ts"
import { splitScript } from "./syntax/script.ts"
import { oraError } from "./values/oraError.ts"

class Snapshot implements EngineSnapshot {
  readonly _tag = "EngineSnapshot"
  readonly core: CoreSnapshot

  constructor(core: CoreSnapshot) {
    this.core = core
  }
}

export const make = (options: EngineOptions = {}): Engine => {
  const core = new Core(options)
  for (const user of options.users ?? []) core.catalog.schemas.add(user.toUpperCase())
  const sessions = new Set<Session>()
  let closed = false
  const open = (info: Parameters<Engine["open"]>[0]): EngineSession => {
    if (closed) throw oraError(1034, "The Oracle instance is not available for use. Start the instance.")
    core.catalog.schemas.add(info.user)
    const session = new Session(core, info)
    core.sessions.set(info.sid, session)
    sessions.add(session)
    const close = session.close.bind(session)
    session.close = () => {
      sessions.delete(session)
      close()
    }
    return session
  }
  const runAs = async (user: string, texts: ReadonlyArray<string>, program: string): Promise<void> => {
    const session = open({ user, sid: core.nextInner(), serial: 1, service: "SYS$USERS", program })
    try {
      for (const text of texts) await session.execute(session.parse(text), { bindTypes: [] })
      session.commit()
    } finally {
      session.close()
    }
  }
  core.jobs.runAs = (user, block) => runAs(user, [block], "job")
  return {
    open,
    addSchema: (name) => {
      core.catalog.schemas.add(name)
    },
    runScript: (user, script) => runAs(user, splitScript(script), "script"),
    snapshot: () => new Snapshot(core.snapshot()),
    restore: (snapshot) => {
      for (const session of sessions) session.abandon()
      core.branches.abandon()
      core.restore((snapshot as Snapshot).core)
    },
    loseInstance: (name) => core.branches.loseInstance(name),
    sessions: () => [...sessions],
    close: () => {
      if (closed) return
      closed = true
      core.jobs.close()
      core.branches.close()
      for (const session of sessions) session.close()
    }
  }
}
