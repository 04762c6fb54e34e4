/** Opens a database: the engine behind the server. */
import type { Engine, EngineOptions, EngineSession, EngineSnapshot } from "./engine.ts"
import { Session } from "./session/engineSession.ts"
import { Core, type CoreSnapshot } from "./statements/core.ts"
import { splitScript } from "./syntax/script.ts"
import { oraError } from "./values/oraError.ts"
import { rightsOf } from "./values/rights.ts"

class Snapshot implements EngineSnapshot {
  readonly _tag = "EngineSnapshot"
  readonly core: CoreSnapshot

  constructor(core: CoreSnapshot) {
    this.core = core
  }
}

export const make = (options: EngineOptions = {}): Engine => {
  const core = new Core(options)
  for (const user of options.users ?? []) core.addSchema(user.toUpperCase())
  const sessions = new Set<Session>()
  let closed = false
  /** Who logs on needs CREATE SESSION, and may not have more sessions than the profile says. */
  const admit = (user: string): void => {
    if (user === "SYS" || !core.catalog.schemas.has(user)) return
    const rights = rightsOf(user, core.privileges.defaultRoles(user))
    if (!core.privileges.has(rights, "CREATE SESSION")) {
      throw oraError(1045, `user ${user} lacks CREATE SESSION privilege; logon denied`)
    }
    const most = core.accounts.number(user, "SESSIONS_PER_USER")
    if (most === Infinity) return
    const count = [...core.sessions.values()].filter(({ state }) => state.info.user === user).length
    if (count >= most) throw oraError(2391, "exceeded simultaneous SESSIONS_PER_USER limit")
  }
  const open = (info: Parameters<Engine["open"]>[0]): EngineSession => {
    if (closed) throw oraError(1034, "The Oracle instance is not available for use. Start the instance.")
    core.addSchema(info.user)
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
    open: (info) => {
      admit(info.user)
      return open(info)
    },
    addSchema: (name, roles) => core.addSchema(name, roles),
    logOnLimits: (user) => {
      const milliseconds = (limit: string): number => core.accounts.number(user, limit) * 86_400_000
      return {
        failedAttempts: core.accounts.number(user, "FAILED_LOGIN_ATTEMPTS"),
        lockTime: milliseconds("PASSWORD_LOCK_TIME"),
        lifeTime: milliseconds("PASSWORD_LIFE_TIME"),
        graceTime: milliseconds("PASSWORD_GRACE_TIME")
      }
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
      core.queues.close()
      for (const session of sessions) session.close()
    }
  }
}
