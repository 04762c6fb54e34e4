import { assert, describe, it } from "@effect/vitest"
import { Redacted } from "effect"
import * as fc from "fast-check"
import { inspect } from "node:util"
import {
  describeIdentity,
  type Identity,
  identityText,
  parseUser,
  PasswordDigests,
  sameDigest,
  shardingKeyText
} from "../src/internal/entities/identity.ts"

const identity = (parts: Partial<Identity>): Identity => ({
  credentials: "request",
  user: undefined,
  proxyUser: undefined,
  cclass: undefined,
  shardingKey: undefined,
  superShardingKey: undefined,
  ...parts
})

describe("parseUser", () => {
  const cases: ReadonlyArray<readonly [text: string, user: string | undefined, proxyUser: string | undefined]> = [
    ["scott", "scott", undefined],
    ["  scott  ", "scott", undefined],
    ["app[hr]", "app", "hr"],
    ["app [ hr ]", "app", "hr"],
    ["[hr]", undefined, "hr"],
    [`"a[b]"`, `"a[b]"`, undefined],
    [`"a b"["c]d"]`, `"a b"`, `"c]d"`]
  ]
  for (const [text, user, proxyUser] of cases) {
    it(`reads ${text}`, () => assert.deepStrictEqual(parseUser(text), { user, proxyUser }))
  }
  for (const text of ["", " ", "[]", "[", "]", "a[", "a]", "a[b", "a[b]c", "a[b][c]", `"`, `"a`, `a"b`, "[a]b"]) {
    it(`refuses "${text}"`, () => assert.isUndefined(parseUser(text)))
  }
})

describe("identities", () => {
  it("are the same text only when they are the same, whatever their names hold", () => {
    const text = fc.option(fc.oneof(fc.constantFrom(`"`, ",", `a","b`, "null", "[]"), fc.string({ minLength: 1 })), {
      nil: undefined
    })
    const any = fc.record({ user: text, proxyUser: text, cclass: text, shardingKey: text, superShardingKey: text })
    fc.assert(fc.property(any, any, (a, b) => {
      const isSame = (["user", "proxyUser", "cclass", "shardingKey", "superShardingKey"] as const)
        .every((part) => a[part] === b[part])
      assert.strictEqual(identityText(identity(a)) === identityText(identity(b)), isSame)
    }))
  })

  it("sharding keys of different types or shapes are different", () => {
    const keys = ["1", 1, ["1", 1], [1, "1"], ["11"], ["1", "1"], new Date(1), new Uint8Array([1]), [`s1","s2`], [
      "1",
      "2"
    ]]
    assert.strictEqual(new Set(keys.map(shardingKeyText)).size, keys.length)
  })

  it("are described without secrets", () => {
    assert.strictEqual(describeIdentity(identity({ credentials: "pool" })), "the pool's user")
    assert.strictEqual(describeIdentity(identity({ credentials: "pool", proxyUser: "hr" })), "the pool's user[hr]")
    assert.strictEqual(
      describeIdentity(identity({ user: "app", proxyUser: "hr", cclass: "BATCH", shardingKey: ["EU", 1] })),
      `app[hr], connection class BATCH, shard /["sEU","n1"]`
    )
  })
})

describe("PasswordDigests", () => {
  it("tell passwords apart, and are of use in one pool only", () => {
    fc.assert(fc.property(fc.string(), fc.string(), (a, b) => {
      const [one, other] = [new PasswordDigests(), new PasswordDigests()]
      assert.strictEqual(sameDigest(one.of(Redacted.make(a)), one.of(Redacted.make(b))), a === b)
      assert.isFalse(sameDigest(one.of(Redacted.make(a)), other.of(Redacted.make(a))))
    }))
  })

  it("no password equals only no password", () => {
    const digest = new PasswordDigests().of(Redacted.make(""))
    assert.deepStrictEqual([sameDigest(undefined, undefined), sameDigest(digest, undefined)], [true, false])
  })

  it("fingerprints change with user, password and token, and show none", () => {
    const digests = new PasswordDigests()
    const secret = Redacted.make("tiger")
    const fingerprints = [
      {},
      { user: "scott" },
      { user: "scott", password: secret },
      { user: "scott", token: secret },
      { password: secret }
    ].map((credentials) => digests.fingerprint(credentials))
    assert.strictEqual(new Set(fingerprints).size, 5)
    assert.notInclude(inspect([fingerprints, digests], { depth: 9, showHidden: true }), "tiger")
  })
})
