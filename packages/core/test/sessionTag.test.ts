import { assert, describe, it } from "@effect/vitest"
import { SessionTag } from "@sessionpool/core"
import { Result } from "effect"
import * as fc from "fast-check"

const parse = (text: string) => Result.getOrThrow(SessionTag.parse(text))

describe("SessionTag.parse", () => {
  const taken: ReadonlyArray<readonly [text: string, canonical: string]> = [
    ["A=1", "A=1"],
    ["B=2;A=1", "A=1;B=2"],
    [" A = 1 ; B = two words ", "A=1;B=two words"],
    ["A=1;", "A=1"],
    [";;A=1;;", "A=1"],
    ["A=1;A=1", "A=1"],
    ["a=1;A=2", "A=2;a=1"],
    ["NLS=é;TZ=+02:00", "NLS=é;TZ=+02:00"]
  ]
  for (const [text, canonical] of taken) {
    it(`takes "${text}"`, () => {
      assert.deepInclude(parse(text), { text, canonical })
    })
  }

  for (const text of ["", " ", " ; "]) {
    it(`takes "${text}" for no tag (A12)`, () => {
      assert.strictEqual(parse(text), SessionTag.empty)
      assert.isTrue(SessionTag.equals(parse(text), undefined))
      assert.isFalse(SessionTag.equals(parse(text), parse("A=1")))
    })
  }

  const refused: ReadonlyArray<readonly [text: string, problem: string]> = [
    ["A", `the property "A" has no "="; a tag has the form "name=value;name=value"`],
    ["A=1;B", `the property "B" has no "="; a tag has the form "name=value;name=value"`],
    ["=1", `the property "=1" has no name before "="`],
    ["A=", `the property "A" has no value after "="`],
    ["A= ;B=1", `the property "A" has no value after "="`],
    ["A=1=2", `the property "A=1=2" has more than one "="`],
    ["A=1;A=2", `the property "A" is given twice, as "1" and as "2"`]
  ]
  for (const [text, problem] of refused) {
    it(`refuses "${text}"`, () => {
      const parsed = SessionTag.parse(text)
      assert.strictEqual(Result.isFailure(parsed) ? parsed.failure : "taken", problem)
    })
  }
})

const name = fc.stringMatching(/^[A-Za-z_][A-Za-z_0-9]{0,5}$/)
const value = fc.stringMatching(/^[A-Za-z0-9+:,.]{1,6}$/)
const properties = fc.uniqueArray(fc.tuple(name, value), { minLength: 1, maxLength: 6, selector: ([key]) => key })
const textOf = (pairs: ReadonlyArray<readonly [string, string]>) =>
  pairs.map(([key, text]) => `${key}=${text}`).join(";")

describe("tags", () => {
  it("are equal whatever the order of their properties", () => {
    fc.assert(fc.property(
      properties.chain((pairs) =>
        fc.tuple(fc.constant(pairs), fc.shuffledSubarray(pairs, { minLength: pairs.length }))
      ),
      ([pairs, shuffled]) => {
        assert.isTrue(SessionTag.equals(parse(textOf(pairs)), parse(textOf(shuffled))))
      }
    ))
  })

  it("are equal only when they hold the same properties", () => {
    fc.assert(fc.property(properties, properties, (a, b) => {
      const same = a.length === b.length &&
        a.every(([key, text]) => b.some(([otherKey, otherText]) => key === otherKey && text === otherText))
      assert.strictEqual(SessionTag.equals(parse(textOf(a)), parse(textOf(b))), same)
    }))
  })

  it("read their own canonical text back as themselves", () => {
    fc.assert(fc.property(properties, (pairs) => {
      const tag = parse(textOf(pairs))
      assert.strictEqual(parse(tag.canonical).canonical, tag.canonical)
      assert.deepStrictEqual([...parse(tag.canonical).properties].sort(), [...tag.properties].sort())
    }))
  })

  it("share as many properties with each other, and all with themselves", () => {
    fc.assert(fc.property(properties, properties, (a, b) => {
      const [first, second] = [parse(textOf(a)), parse(textOf(b))]
      assert.strictEqual(SessionTag.shared(first, second), SessionTag.shared(second, first))
      assert.strictEqual(SessionTag.shared(first, first), a.length)
      assert.isAtMost(SessionTag.shared(first, second), Math.min(a.length, b.length))
    }))
  })

  it("no tag equals only no tag", () => {
    assert.isTrue(SessionTag.equals(undefined, undefined))
    assert.isFalse(SessionTag.equals(undefined, parse("A=1")))
    assert.isFalse(SessionTag.equals(parse("A=1"), undefined))
  })
})
