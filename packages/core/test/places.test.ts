/** Where sessions are: the counts follow every move, and a move that cannot be is a defect with a sentence. */
import { assert, describe, it } from "@effect/vitest"
import { Groups } from "../src/internal/entities/groups.ts"
import { PasswordDigests } from "../src/internal/entities/identity.ts"
import { ImpossibleState, Places } from "../src/internal/entities/places.ts"
import { type Place, Session, Shard } from "../src/internal/entities/session.ts"
import { SessionGroup } from "../src/internal/entities/session.ts"
import { Share } from "../src/internal/entities/share.ts"

const group = () => {
  const { identity } = new Groups<object>(new PasswordDigests(), undefined).own
  return new SessionGroup<object>(identity, undefined, new Shard<object>("1"), {
    ofUser: new Share("scott"),
    ofClass: new Share("")
  })
}

const sessionOf = (group: SessionGroup<object>) =>
  new Session<object>({
    id: 1,
    group,
    handle: {},
    instance: undefined,
    now: 0,
    account: "",
    lifetimePart: 1,
    suspicion: 0,
    epoch: 0
  })

/** A session that has been brought to a place by the shortest way. */
const at = (place: Exclude<Place, "gone" | "opening">) => {
  const places = new Places<object>()
  const session = sessionOf(group())
  const move = (to: Place) => places.move(session.group, session, to)
  places.move(session.group, undefined, "opening")
  move("checking")
  if (place !== "checking") move(place)
  return { places, session, move }
}

describe("the places of sessions", () => {
  it("are counted for the pool, the group and the shard", () => {
    const { move, places, session } = at("busy")
    const { group } = session
    const counts = () => [
      places.slots,
      places.opened,
      group.live,
      group.opening,
      group.closing,
      group.shard!.slots,
      group.shard!.closing
    ]
    assert.deepStrictEqual(places.counts, { opening: 0, idle: 0, checking: 0, busy: 1, closing: 0 })
    assert.deepStrictEqual(counts(), [1, 1, 1, 0, 0, 1, 0])
    places.move(group, undefined, "opening")
    assert.deepStrictEqual(counts(), [2, 1, 1, 1, 0, 2, 0])
    places.move(group, undefined, "gone")
    move("idle")
    assert.deepStrictEqual(places.counts, { opening: 0, idle: 1, checking: 0, busy: 0, closing: 0 })
    assert.deepStrictEqual(counts(), [1, 1, 1, 0, 0, 1, 0])
    move("closing")
    assert.deepStrictEqual(counts(), [1, 0, 0, 0, 1, 1, 1])
    move("gone")
    assert.deepStrictEqual(counts(), [0, 0, 0, 0, 0, 0, 0])
  })

  const impossible = {
    idle: ["idle", "opening", "gone"],
    checking: ["checking", "opening", "gone"],
    busy: ["busy", "opening", "gone"],
    closing: ["idle", "checking", "busy", "closing", "opening"]
  } as const

  for (const [from, tos] of Object.entries(impossible)) {
    for (const to of tos) {
      it(`cannot be "${to}" after "${from}": a defect of the pool, and nothing is counted`, () => {
        const { move, places } = at(from as keyof typeof impossible)
        const before = { ...places.counts }
        const thrown = (() => {
          try {
            return move(to)
          } catch (defect) {
            return defect
          }
        })()
        assert.instanceOf(thrown, ImpossibleState)
        assert.strictEqual(
          (thrown as Error).message,
          `This is a defect of the session pool, please report it: a session cannot go from "${from}" to "${to}".`
        )
        assert.deepStrictEqual(places.counts, before)
      })
    }
  }

  it("cannot be left by a session that is not there", () => {
    assert.throws(() => new Places<object>().move(group(), undefined, "gone"), ImpossibleState)
  })
})
