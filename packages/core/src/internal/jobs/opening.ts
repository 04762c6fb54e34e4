/** One attempt to open a session: with which credentials, for which identity, and what came of it. */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Credentials, OpenRequest, Refusal } from "../../SessionDriver.ts"
import { TookTooLong } from "../data/timeLimit.ts"
import type { Account, Accounts } from "../entities/accounts.ts"
import type { PasswordDigests } from "../entities/identity.ts"
import { OpeningFailure } from "../entities/openingFailure.ts"
import type { SessionGroup } from "../entities/session.ts"
import type { Host } from "./host.ts"

/** A session as it comes from the driver. */
export interface Opened<S> {
  readonly handle: S
  readonly account: string
  readonly fingerprint: string
}

/** What an attempt needs of the pool. */
export interface Opener<S> {
  readonly host: Pick<Host<S>, "driver" | "state">
  readonly accounts: Accounts
  readonly digests: PasswordDigests
  /** The pool's own credentials, asked for at each open; `undefined` when they are those of the settings. */
  readonly credentials: Effect.Effect<Credentials, unknown> | undefined
  /** What the database has refused, when a failure of the driver says so. */
  readonly refusalOf: (error: unknown) => Refusal | undefined
}

/** Whether the credentials of a group may change without anybody telling the pool. */
export const canRotate = <S>(
  opener: Opener<S>,
  group: SessionGroup<S>
): boolean => group.identity.credentials === "pool" && opener.credentials !== undefined

const credentialsFor = <S>(
  opener: Opener<S>,
  group: SessionGroup<S>
): Effect.Effect<Credentials, unknown> => {
  const { identity } = group
  if (identity.credentials === "request") {
    return Effect.succeed({ user: identity.user, password: group.password })
  }
  const { password, user } = opener.host.state.settings
  return opener.credentials ?? Effect.succeed({ user, password })
}

const shared = (
  { cause, refusal, retryAt }: {
    readonly cause: unknown
    readonly refusal?: Refusal | undefined
    readonly retryAt: number
  },
  fingerprint: string
) => Effect.fail(new OpeningFailure({ cause, refusal, fingerprint, retryAt, isShared: true }))

const failureOf = (exit: Exit.Exit<unknown, OpeningFailure>): OpeningFailure | undefined => {
  if (Exit.isSuccess(exit)) return undefined
  const error = Cause.squash(exit.cause)
  return error instanceof OpeningFailure
    ? error
    : new OpeningFailure({ cause: new TookTooLong("the opening that others waited for was given up") })
}

/**
 * Opens a session with credentials that were not refused. Of the openings that are under way with an account the first goes
 * alone, and the others wait for it: that the credentials are wrong is found out by one log-on. When it fails for another
 * reason, the others of its group share the failure, and those of other groups, who may reach other servers, try by themselves.
 */
const withAccount = <S>(
  opener: Opener<S>,
  group: SessionGroup<S>,
  account: Account,
  isGuarded: boolean,
  open: Effect.Effect<Opened<S>, OpeningFailure>
): Effect.Effect<Opened<S>, OpeningFailure> =>
  Effect.suspend(() => {
    const { fingerprint } = account
    const refused = account.refusedAt(opener.host.state.now())
    if (refused !== undefined) return shared({ ...refused, refusal: refused.kind }, fingerprint)
    const known = group.opener.failure
    // What the database has refused to this identity alone, it would refuse again.
    if (known?.refusal === "identity" && known.fingerprint === fingerprint) return shared(known, fingerprint)
    if (!isGuarded || account.isProven) return open
    const { trial } = account
    if (trial !== undefined) {
      return Effect.flatMap(Effect.interruptible(Deferred.await(trial.ended)), (failure) =>
        failure === undefined || trial.group !== group
          ? withAccount(opener, group, account, isGuarded, open)
          : shared(failure, fingerprint))
    }
    const own = { group, ended: Deferred.makeUnsafe<OpeningFailure | undefined>() }
    // Openings are never cut off (see `openSession`), so the end that is installed next cannot be missed.
    account.trial = own
    return Effect.onExitPrimitive(open, (exit) => {
      account.trial = undefined
      if (Exit.isSuccess(exit)) {
        account.isProven = true
      }
      // Told once the group knows of it as well: those that share it do not count as attempts.
      opener.host.state.later(() =>
        Deferred.doneUnsafe(own.ended, Effect.succeed(failureOf(exit)))
      )
      return undefined
    })
  })

const openedBy = <S>(
  opener: Opener<S>,
  group: SessionGroup<S>,
  credentials: Credentials,
  account: Account,
  keep: (opened: Opened<S>) => void
): Effect.Effect<Opened<S>, OpeningFailure> => {
  const { driver } = opener.host
  const { identity } = group
  const { fingerprint } = account
  const request: OpenRequest = {
    ...credentials,
    proxyUser: identity.proxyUser,
    cclass: identity.cclass,
    edition: opener.host.state.settings.edition,
    shardingKey: identity.shardingKey,
    superShardingKey: identity.superShardingKey,
    purity: group.queue.wantsFresh ? "new" : "default",
    stmtCacheSize: opener.host.state.settings.stmtCacheSize
  }
  const refused = (error: unknown): OpeningFailure => {
    const refusal = opener.refusalOf(error)
    if (refusal === undefined || refusal === "identity") {
      return new OpeningFailure({ cause: error, refusal, fingerprint })
    }
    const { rotationRetry } = opener.host.state.settings
    const retry = canRotate(opener, group) && Duration.toMillis(rotationRetry) > 0
      ? Duration.toMillis(rotationRetry)
      : Infinity
    const { retryAt } = account.refuse(error, refusal, opener.host.state.now(), retry)
    return new OpeningFailure({ cause: error, refusal, fingerprint, retryAt })
  }
  return Effect.suspend(() => driver.open(request)).pipe(
    Effect.map((handle): Opened<S> => {
      const opened = { handle, account: opener.digests.account(credentials), fingerprint }
      keep(opened)
      account.clear()
      return opened
    }),
    Effect.catchCause((cause) => {
      const failed = cause.reasons.find(Cause.isFailReason)
      if (failed !== undefined) return Effect.suspend(() => Effect.fail(refused(failed.error)))
      return Cause.hasInterruptsOnly(cause)
        ? Effect.interrupt
        : Effect.fail(new OpeningFailure({ cause: Cause.squash(cause), fingerprint }))
    })
  )
}

/**
 * One attempt to open a session. `keep` is told of the session as soon as there is one: what fails after that, such as a tracer,
 * must not lose it.
 */
export const attemptToOpen = <S>(
  opener: Opener<S>,
  group: SessionGroup<S>,
  keep: (opened: Opened<S>) => void
): Effect.Effect<Opened<S>, OpeningFailure> =>
  Effect.interruptible(credentialsFor(opener, group)).pipe(
    Effect.mapError((cause) => new OpeningFailure({ cause })),
    Effect.flatMap((credentials) => {
      const fingerprint = opener.digests.fingerprint(credentials)
      const account = opener.accounts.enter(fingerprint, group.identity.credentials === "pool")
      // Without a password there is none that could be wrong.
      const isGuarded = credentials.password !== undefined
      const open = openedBy(opener, group, credentials, account, keep)
      return Effect.onExitPrimitive(withAccount(opener, group, account, isGuarded, open), () => {
        opener.accounts.leave(account)
        return undefined
      })
    }),
    Effect.tap(({ handle }) =>
      Effect.suspend(() => Effect.annotateCurrentSpan(opener.host.driver.attributes?.(handle) ?? {}))
    )
  )
