/** A session's face for the calls that begin, leave and end transactions of no session. */
import type { SessionBranches } from "../engine.ts"
import type { BranchWork } from "../statements/branchWork.ts"
import { asOraError } from "../statements/executor.ts"
import type { Branch } from "../storage/branches.ts"
import type { Step } from "../storage/waiting.ts"

interface Surroundings {
  /** Throws where the session may not work. */
  readonly enter: () => void
  readonly drive: <A>(steps: Step<A>) => A | Promise<A>
}

export const sessionBranches = (work: BranchWork, { drive, enter }: Surroundings): SessionBranches => {
  const guarded = <A>(run: () => A): A => {
    enter()
    try {
      return run()
    } catch (error) {
      throw asOraError(error)
    }
  }
  function* start(...args: Parameters<BranchWork["start"]>): Step<number> {
    const branch: Branch = yield* work.start(...args)
    return branch.number
  }
  return {
    get sessionless() {
      const { current } = work
      if (current?.kind !== "sessionless") return undefined
      return { id: current.id.global, byStatement: work.isByStatement }
    },
    get isGlobal() {
      return work.current?.kind === "global"
    },
    start: (request) => guarded(() => drive(start(request))),
    detach: (kind, id) => guarded(() => work.detach(kind, id)),
    prepare: (reference) => guarded(() => work.prepare(reference)),
    commit: (reference, onePhase) => guarded(() => work.commit(reference, onePhase)),
    rollback: (reference) => guarded(() => work.rollback(reference)),
    forget: (reference) => guarded(() => work.forget(reference))
  }
}
