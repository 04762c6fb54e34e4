/** What happens in a pool, as a stream for each listener. */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import type { PoolEvent } from "../../PoolEvent.ts"
import type { PoolState } from "../entities/poolState.ts"

/** How many events a listener may be behind before it misses the oldest. */
const eventsBehind = 4096

export const events = <S>(state: PoolState<S>): Stream.Stream<PoolEvent> =>
  Stream.callback<PoolEvent>(
    (queue) =>
      Effect.acquireRelease(
        Effect.sync(() => {
          const listener = (event: PoolEvent) => {
            Queue.offerUnsafe(queue, event)
            if (event._tag === "PoolClosed") Queue.endUnsafe(queue)
          }
          if (state.phase === "closed") Queue.endUnsafe(queue)
          else state.listen(listener)
          return listener
        }),
        (listener) => Effect.sync(() => state.unlisten(listener))
      ),
    { bufferSize: eventsBehind, strategy: "sliding" }
  )
