/**
 * What a journal decides about entries, whatever it keeps them in: the ids of new ones, their order, and which stored ones conflict with
 * those of a remote. Effect's journal in memory decides it here, over the few entries of the store that matter.
 */
import type * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as EventJournal from "effect/eventlog/EventJournal"
import * as References from "effect/References"

type Service = EventJournal.EventJournal["Service"]
type Draft = Parameters<Service["writeMany"]>[0]["entries"][number]
type FromRemote = Parameters<Service["writeFromRemote"]>[0]

const noRemote = new Uint8Array(16) as EventJournal.RemoteId

/** A journal in memory that holds these entries. It warns of no clock: that was done when they were stored. */
const holding = (journal: Service, entries: ReadonlyArray<EventJournal.Entry>) =>
  journal.writeFromRemote({
    remoteId: noRemote,
    entries: entries.map((entry, index) =>
      new EventJournal.RemoteEntry({ remoteSequence: index, entry }, { disableChecks: true })
    ),
    effect: () => Effect.void
  }).pipe(Effect.provideService(References.MinimumLogLevel, "None"))

/** New entries, in the order of their drafts, with ids after every one in `latest`. */
export const newEntries = (
  drafts: Arr.NonEmptyReadonlyArray<Draft>,
  latest: ReadonlyArray<EventJournal.EntryId>
): Effect.Effect<Arr.NonEmptyReadonlyArray<EventJournal.Entry>, EventJournal.EventJournalError> =>
  Effect.gen(function*() {
    const journal = yield* EventJournal.makeMemory
    const payload = new Uint8Array(0)
    yield* holding(
      journal,
      latest.map((id) => new EventJournal.Entry({ id, event: "", primaryKey: "", payload }, { disableChecks: true }))
    )
    return yield* journal.writeMany({ entries: drafts, effect: Effect.succeed })
  })

/** Compacts new entries of a remote, and hands them with their conflicts to the effect. `stored` finds what may conflict with them. */
export const applyRemote = (
  options: FromRemote,
  entries: ReadonlyArray<EventJournal.RemoteEntry>,
  stored: (
    entries: ReadonlyArray<EventJournal.Entry>,
    sinceMillis: number
  ) => Effect.Effect<ReadonlyArray<EventJournal.Entry>, EventJournal.EventJournalError>
): Effect.Effect<void, EventJournal.EventJournalError> =>
  Effect.gen(function*() {
    if (entries.length === 0) return
    const journal = yield* EventJournal.makeMemory
    yield* journal.writeFromRemote({
      remoteId: options.remoteId,
      entries,
      compact: (uncommitted) =>
        Effect.gen(function*() {
          const given = uncommitted.map(({ entry }) => entry)
          const compacted = options.compact === undefined ? given : yield* options.compact(uncommitted)
          // A compacted entry may take the place of any of those that it was made from.
          const oldest = Math.min(...[...given, ...compacted].map(({ createdAtMillis }) => createdAtMillis))
          if (compacted.length > 0) yield* holding(journal, yield* stored(compacted, oldest))
          return compacted
        }),
      effect: options.effect
    })
  })

/** The sequence after those that were delivered, or `next` when it is further. */
export const sequenceAfter = (entries: ReadonlyArray<EventJournal.RemoteEntry>, next: number): number =>
  entries.reduce((found, { remoteSequence }) => Math.max(found, remoteSequence + 1), next)

/** Goes on over acknowledged sequences that follow one another without a gap. */
export const sequenceOver = (
  acks: ReadonlyArray<EventJournal.RemoteAck>,
  next: number,
  firstSequence: number
): number => {
  const acknowledged = new Set(acks.map(({ sequence }) => sequence))
  let found = Math.max(next, firstSequence)
  while (acknowledged.has(found)) found++
  return found
}
