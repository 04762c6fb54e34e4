/** One attempt to open a session: with which credentials, for whom, and what came of it. */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Connection } from "../Connection.ts"
import type { Credentials, OpenRequest } from "../SessionDriver.ts"
import type { Engine } from "./engine.ts"
import { OpeningFailure } from "./openingFailure.ts"
import type { SessionGroup } from "./sessionGroup.ts"
import { TookTooLong } from "./timeLimit.ts"

const credentialsFor = <S, C extends Connection, E, OE>(
  engine: Engine<S, C, E, OE>,
  group: SessionGroup<S>
): Effect.Effect<Credentials, unknown> => {
  const { identity } = group
  if (identity.credentials === "request") {
    return Effect.succeed({ user: identity.user, password: group.password })
  }
  const { password, user } = engine.settings
  return engine.parts.credentials ?? Effect.succeed({ user, password })
}

/**
 * Opens a session, the first with these credentials alone: ten at once with a wrong password would be ten refused log-ins,
 * enough to lock an account. Openings with the same credentials wait for that one, and share its failure.
 */
const unlessRefused = <S, A>(
  group: SessionGroup<S>,
  fingerprint: string,
  open: Effect.Effect<A, OpeningFailure>
): Effect.Effect<A, OpeningFailure> =>
  Effect.suspend(() => {
    if (group.accepted === fingerprint) return open
    const known = group.trial
    if (known?.fingerprint === fingerprint) {
      return Effect.andThen(Effect.interruptible(Deferred.await(known.ended)), open)
    }
    const ended = Deferred.makeUnsafe<void, OpeningFailure>()
    const trial = { fingerprint, ended }
    // Openings are never cut off (see `openSession`), so the end that is installed next cannot be missed.
    group.trial = trial
    return Effect.onExitPrimitive(open, (exit) => {
      if (group.trial === trial) group.trial = undefined
      if (Exit.isSuccess(exit)) {
        group.accepted = fingerprint
        Deferred.doneUnsafe(ended, Effect.void)
        return undefined
      }
      const error = Cause.squash(exit.cause)
      const { cause, isAuthentication } = error instanceof OpeningFailure
        ? error
        : { cause: new TookTooLong("the opening that others waited for was given up"), isAuthentication: false }
      Deferred.doneUnsafe(ended, Effect.fail(new OpeningFailure(cause, isAuthentication, fingerprint, true)))
      return undefined
    })
  })

export const attemptToOpen = <S, C extends Connection, E, OE>(
  engine: Engine<S, C, E, OE>,
  group: SessionGroup<S>
): Effect.Effect<{ readonly handle: S; readonly account: string; readonly fingerprint: string }, OpeningFailure> => {
  const { driver } = engine.parts
  const { identity } = group
  return Effect.interruptible(credentialsFor(engine, group)).pipe(
    Effect.mapError((cause) => new OpeningFailure(cause, false, "")),
    Effect.flatMap((credentials) => {
      const fingerprint = engine.parts.digests.fingerprint(credentials)
      const known = group.failure
      // The same credentials would be refused again; asking once more could lock the account.
      if (known?.isAuthentication === true && known.fingerprint === fingerprint) {
        return Effect.fail(new OpeningFailure(known.cause, true, fingerprint))
      }
      const request: OpenRequest = {
        ...credentials,
        proxyUser: identity.proxyUser,
        cclass: identity.cclass,
        edition: engine.settings.edition,
        shardingKey: identity.shardingKey,
        superShardingKey: identity.superShardingKey,
        purity: group.wantsFresh ? "new" : "default",
        stmtCacheSize: engine.settings.stmtCacheSize
      }
      const open = Effect.suspend(() => driver.open(request)).pipe(
        Effect.flatMap((handle) =>
          Effect.as(Effect.annotateCurrentSpan(driver.attributes?.(handle) ?? {}), {
            handle,
            account: engine.parts.digests.account(credentials),
            fingerprint
          })
        ),
        Effect.catchCause((cause) => {
          const failed = cause.reasons.find(Cause.isFailReason)
          if (failed !== undefined) {
            return Effect.fail(
              new OpeningFailure(failed.error, driver.isAuthenticationFailure(failed.error), fingerprint)
            )
          }
          return Cause.hasInterruptsOnly(cause)
            ? Effect.interrupt
            : Effect.fail(new OpeningFailure(Cause.squash(cause), false, fingerprint))
        })
      )
      // Without a password there is none that could be wrong.
      return credentials.password === undefined ? open : unlessRefused(group, fingerprint, open)
    })
  )
}
