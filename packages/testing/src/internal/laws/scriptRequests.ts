/** How the requests of scripts are drawn. */
import * as fc from "fast-check"
import type { ScriptRequest } from "./command.ts"
import type { Theme } from "./themes.ts"

/** What a subject can be asked for. */
export interface Abilities {
  readonly users: ReadonlyArray<string>
  readonly hasShards: boolean
}

const tag = fc.constantFrom("A=1", "A=2", "A=1;B=2", "B=2;A=1", "B=2", "C=3;A=1;B=2")
export const anyTag = fc.oneof({ weight: 8, arbitrary: tag }, {
  weight: 1,
  arbitrary: fc.constantFrom("", "A", "A=1;=2")
})
export const optional = <T>(arbitrary: fc.Arbitrary<T>, freq = 3) => fc.option(arbitrary, { nil: undefined, freq })

/** Leaves out what is undefined, which prints and shrinks better. */
export const compact = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as T

const tagged = fc.record({ tag: fc.oneof(anyTag, tag), matchAnyTag: optional(fc.boolean(), 1) })
const timed = fc.record({ waitTimeout: fc.constantFrom(0, 500, 3000, 20_000) })
const fresh = fc.constant<ScriptRequest>({ purity: "new" })
const named = ({ users }: Abilities): fc.Arbitrary<ScriptRequest> =>
  users.length === 0 ? fc.constant({}) : fc.oneof(
    fc.record({
      user: fc.constantFrom(...users),
      password: fc.constantFrom<"right" | "wrong">("right", "right", "wrong")
    }),
    fc.record({ user: fc.constantFrom(...users) }),
    fc.record({ proxy: fc.constantFrom(...users) }),
    fc.record({
      user: fc.constantFrom(...users),
      proxy: fc.constant("carol"),
      password: fc.constantFrom<"right" | "wrong">("right", "wrong")
    })
  )
const placed = ({ hasShards }: Abilities): fc.Arbitrary<ScriptRequest> =>
  hasShards
    ? fc.oneof(
      fc.record({ shardingKey: fc.constantFrom("north", "south") }),
      fc.record({ shardingKey: fc.constant("north"), superShardingKey: fc.constantFrom("x", "y") }),
      fc.record({ cclass: fc.constantFrom("web", "batch") })
    )
    : fc.constant({})

const plain: fc.Arbitrary<ScriptRequest> = fc.constant({})

/** What any session of the pool's own identity serves. */
export const anywhere = fc.constantFrom<ScriptRequest>({ tag: "A=1", matchAnyTag: true }, {
  tag: "B=2",
  matchAnyTag: true
})

/** Identities behind the pool's own account. */
const ofOneAccount = ({ users }: Abilities): fc.Arbitrary<ScriptRequest> =>
  fc.record({
    proxy: optional(fc.constantFrom("carol", "dave", ...users), 1),
    cclass: optional(fc.constantFrom("web", "batch", "night"), 1)
  }).map(compact)

/** Requests as they matter to a theme. */
export const requests = (theme: Theme, abilities: Abilities): fc.Arbitrary<ScriptRequest> => {
  const mixed = fc.tuple(
    optional(tagged, 1),
    optional(named(abilities), 1),
    optional(placed(abilities), 1),
    optional(fresh, 1),
    optional(timed, 1)
  ).map((parts) => Object.assign({}, ...parts) as ScriptRequest)
  const kinds: Record<Theme, ReadonlyArray<fc.Arbitrary<ScriptRequest>>> = {
    sizes: [plain, plain, fresh, placed(abilities), timed],
    order: [plain, plain, tagged, fresh, timed],
    tags: [tagged, tagged, plain, fresh],
    identities: [named(abilities), named(abilities), placed(abilities), plain],
    time: [plain, plain, tagged],
    trouble: [plain, plain, tagged, named(abilities), timed],
    endings: [plain, tagged, timed],
    replacements: [anywhere, anywhere, anywhere, plain],
    accounts: [plain, ofOneAccount(abilities), ofOneAccount(abilities), named(abilities), placed(abilities)],
    breaks: [plain],
    steps: [plain, plain, tagged],
    clocks: [plain, plain, tagged, timed],
    defects: [plain, plain, tagged, named(abilities)],
    steering: [plain, plain, tagged, fresh, timed],
    everything: [plain, mixed, mixed]
  }
  return fc.oneof(...kinds[theme]).map(compact)
}
