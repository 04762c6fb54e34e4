import { assert, describe, it } from "@effect/vitest"
import { make } from "../../src/internal/engine/database.ts"
import type { Column } from "../../src/internal/engine/engine.ts"
import { parseAuthMessage } from "../../src/internal/ttc/authMessage.ts"
import { readMetadata } from "../../src/internal/ttc/bindReader.ts"
import { ByteReader } from "../../src/internal/ttc/byteReader.ts"
import { ByteWriter } from "../../src/internal/ttc/byteWriter.ts"
import { writeDescription } from "../../src/internal/ttc/describe.ts"
import { describeObject, parseDescribeObject } from "../../src/internal/ttc/describeObject.ts"
import {
  type BindRow,
  isPlsql,
  parseExecute,
  type PartialRow,
  readBindRow,
  rowsToFetch,
  valueOrder
} from "../../src/internal/ttc/executeMessage.ts"
import { parseLobOperation } from "../../src/internal/ttc/lobCall.ts"
import { agreeOnTerms, firstTerms, parseDataTypes, writeProtocol } from "../../src/internal/ttc/negotiation.ts"
import { writeOutcome } from "../../src/internal/ttc/outcome.ts"
import { parsePiggyback } from "../../src/internal/ttc/piggyback.ts"
import { RequestBuffer } from "../../src/internal/ttc/requestBuffer.ts"
import { RequestParser } from "../../src/internal/ttc/requestParser.ts"
import { readDateTime } from "../../src/internal/ttc/temporalCodec.ts"
import { Challenge, checkPassword, makeVerifier } from "../../src/internal/ttc/verifier.ts"
import { column } from "../wire/cannedEngine.ts"

// Requests as they were seen on the wire, from go-ora 2.8 and ojdbc 23.26.
const hex = (text: string) => new ByteReader(Buffer.from(text, "hex"))

const terms = firstTerms(24)
const plain = { ...terms, countedTexts: false, countedBytes: true }

describe("DATA_TYPES (F24)", () => {
  const go = "690369030329060000006a01010b010101010101002990030703000100eb010005010000001800000720020000" +
    "00050702010000000004800000003c3c3c80000000"
  const list = "000100010001000000020002000a0000001b001b00010000000d0000"

  it("is read with a national character set before the list, and without", () => {
    for (const before of ["d007", ""]) {
      const reader = hex(go + before + list + "0000")
      const request = parseDataTypes(reader)
      assert.strictEqual(reader.remaining, 0)
      assert.deepStrictEqual(
        { fieldVersion: request.fieldVersion, countedTexts: request.countedTexts, countedBytes: request.countedBytes },
        { fieldVersion: 11, countedTexts: true, countedBytes: true }
      )
      assert.strictEqual(request.endOfResponse, false)
    }
  })

  it("is read in its form of one byte a number too", () => {
    const narrow = Buffer.from(go, "hex")
    // Compile capability 27, after seven bytes of head.
    narrow[6 + 27] = 0
    const reader = new ByteReader(
      Buffer.concat([narrow, Buffer.from("0101010002020a001b1b01000d0000", "hex")])
    )
    const request = parseDataTypes(reader)
    assert.strictEqual(reader.remaining, 0)
    assert.strictEqual(request.countedBytes, true)
  })

  it("says whether responses end with a mark, and whether texts are counted", () => {
    // Compile capability 40 without 0x20, and flags 01.
    const jdbc =
      "69036903013606010000ea0c0118010101010101002990030703000100cf013704010000001c00000ba003b9000f560d0d002800" +
      "00000000000003350c0200000000000500020000000001000100010000001b001b000100000000"
    const request = parseDataTypes(hex(jdbc))
    const agreed = agreeOnTerms(terms, request, 24)
    assert.deepStrictEqual(
      { endOfResponse: agreed.endOfResponse, countedTexts: agreed.countedTexts, countedBytes: agreed.countedBytes },
      { endOfResponse: false, countedTexts: false, countedBytes: true }
    )
  })

  it("answers PROTOCOL with the capabilities that clients look for", () => {
    const writer = new ByteWriter()
    writeProtocol(writer, "x", 24)
    const bytes = writer.written()
    const caps = bytes.subarray(bytes.indexOf(54) + 1)
    assert.deepStrictEqual([caps[4]! & 0x20, caps[7], caps[15]! & 1, caps[16]! & 1, caps[27], caps[37]! & 0x20], [
      0x20,
      24,
      1,
      1,
      1,
      0x20
    ])
  })
})

describe("texts without a length of their own (F24)", () => {
  it("the user of a logon", () => {
    const message = parseAuthMessage(
      hex("0101050101010101010153434f5454010d0d415554485f5445524d494e414c010707756e6b6e6f776e00"),
      plain
    )
    assert.strictEqual(message.user, "SCOTT")
    assert.strictEqual(message.pairs.get("AUTH_TERMINAL"), "unknown")
  })

  it("the text of a statement, behind a prefetch size of four bytes", () => {
    const header = parseExecute(
      hex(
        "0280210001012301010d000004ffffffff010a047fffffff00000000000000000000000100000000000000000000000000000073656c65637420" +
          "757365722c20312e352c20737973646174652066726f6d206475616c0101000000000000010100028000000000"
      ),
      plain
    )
    assert.strictEqual(header.sql, "select user, 1.5, sysdate from dual")
    assert.strictEqual(header.prefetch, 10)
    assert.strictEqual(header.isQuery, true)
    // No fetch option: the rows to prefetch come with the text.
    assert.strictEqual(rowsToFetch(header), 10)
  })

  it("module and action", () => {
    const piggyback = parsePiggyback(hex("0000015800000101050100000000010300000000000000006361736573"), 135, plain)
    assert.deepStrictEqual(piggyback, { _tag: "endToEnd", attributes: { module: "cases", action: null } })
  })
})

describe("binds of other clients (F24)", () => {
  it("a re-execution in full takes the binds of its cursor, and all of their values", () => {
    const header = parseExecute(
      hex(
        "0205200101000001010d00000000027ff8000000000000000000000001000000000000000000000000000000000101000000000000000280000000" +
          "00"
      ),
      plain
    )
    assert.strictEqual(header.binds, undefined)
    assert.strictEqual(header.isShort, false)
    assert.strictEqual(isPlsql(header), true)
  })

  it("the scale of a bind has a length where the client's integers of one byte have one", () => {
    const bind = readMetadata(hex("b403000109010b000408000000000000000000"), plain)
    assert.deepStrictEqual({ type: bind.type, maxSize: bind.maxSize }, { type: 180, maxSize: 11 })
  })

  it("types that are named by their external numbers", () => {
    assert.strictEqual(readMetadata(hex("bb030000010b000000000000000000"), terms).type, 180)
    assert.strictEqual(readMetadata(hex("5e030000010b000000000000000000"), terms).type, 8)
  })

  it("UTC as a region, and no other one", () => {
    assert.strictEqual(readDateTime(Buffer.from("787c021d0e0f1000000000d004", "hex")).hour, 13)
    assert.throws(() => readDateTime(Buffer.from("787c021d0e0f1000000000d008", "hex")), /ORA-01882/)
  })

  it("are ordered by the size that they send, but for the driver that divides it (F25)", () => {
    const binds = [1, 2].map((form) => ({
      type: 1,
      form,
      maxSize: 40_000,
      isArray: false,
      maxElements: 0,
      oid: undefined,
      prefetch: 0
    }))
    const order = (ordersByCharacters: boolean) =>
      valueOrder([binds[1]!, { ...binds[0]!, maxSize: 10 }], () => false, false, { ...terms, ordersByCharacters })
    assert.deepStrictEqual(order(true), [0, 1])
    assert.deepStrictEqual(order(false), [1, 0])
  })
})

describe("LOB operations of other clients (F24)", () => {
  it("send change numbers, and the amount before the data", () => {
    const head = "01016c00010a00000100010201100101010101017001000000000000"
    const create = parseLobOperation(hex(head + "006a" + `00`.repeat(106) + "0203690101010a"), () => true)
    assert.strictEqual(create.locator?.length, 108)
    assert.deepStrictEqual([create.amount, create.answersCharset, create.answersFlag], [10, true, true])
    const write = parseLobOperation(
      hex("010128000000000000000140000001010001000000000000" + `00`.repeat(40) + "01030e03616263"),
      () => false
    )
    assert.strictEqual(write.data?.toString(), "abc")
    assert.strictEqual(write.amount, 3)
  })
})

describe("answers to other clients (F24)", () => {
  it("describe a table before JDBC returns the keys that an INSERT has generated", () => {
    assert.strictEqual(parseDescribeObject(hex("010109000000010e6a6176615f6b657973"), plain), "java_keys")
    const engine = make({})
    const session = engine.open({ user: "SCOTT", sid: 1, serial: 1, service: "S" })
    session.execute(session.parse("create table keys (id number(9), name varchar2(20))"), { bindTypes: [] })
    const writer = new ByteWriter()
    describeObject(session, "keys", writer, plain)
    const text = writer.written().toString("latin1")
    assert.isTrue(text.includes("ID") && text.includes("NAME"))
    assert.throws(() => describeObject(session, "keys; drop", writer, plain), /ORA-00903/)
    assert.throws(() => describeObject(session, "nothing", writer, plain), /ORA-00942/)
    engine.close()
  })

  it("describe a scale with its length where the client's integers of one byte have one", () => {
    const bytes = (countedBytes: boolean) => {
      const writer = new ByteWriter()
      const columns: ReadonlyArray<Column> = [column("N", "NUMBER")]
      writeDescription(writer, columns, { ...terms, countedBytes })
      return Buffer.from(writer.written()).toString("hex")
    }
    assert.include(bytes(true), "020000817f")
    assert.include(bytes(false), "02000081")
    assert.notInclude(bytes(false), "817f")
  })

  it("name the call that is answered", () => {
    const writer = new ByteWriter()
    writeOutcome(writer, { callStatus: 0, sequence: 9, cursorId: 3, rowCount: 0 }, 24)
    // After status, sequence, row, code, two array numbers, cursor, position, six bytes, row id, system error, statement.
    assert.strictEqual(writer.written()[24], 9)
  })

  it("an 11g verifier is mixed as a 12c one for clients that say so", async () => {
    const verifier = await makeVerifier("11g", "tiger")
    assert.include(new Challenge(verifier, true).pairs().map(({ key }) => key), "AUTH_PBKDF2_CSK_SALT")
    assert.strictEqual(new Challenge(verifier, true).pairs()[0]!.value.length, 64)
    assert.strictEqual(new Challenge(verifier, false).pairs()[0]!.value.length, 96)
    assert.strictEqual(await checkPassword(verifier, "tiger", Buffer.alloc(24), undefined), true)
  })
})

describe("requests without a mark at their end (F25)", () => {
  const request = (isFull: boolean) => {
    const buffer = new RequestBuffer()
    const parser = new RequestParser(buffer)
    // Subscribe, which this server does not have.
    buffer.append(Buffer.from("037d01000102030405060708", "hex"), false, isFull)
    return parser.next(terms, undefined)
  }

  it("a function that is not known is refused when its packet had room left", () => {
    const message = request(false)
    assert.strictEqual(message?._tag === "Function" ? message.body._tag : undefined, "Unknown")
  })

  it("and awaited while its packets are full", () => {
    assert.strictEqual(request(true), undefined)
  })

  it("several requests in one packet are taken one after the other", () => {
    const buffer = new RequestBuffer()
    const parser = new RequestParser(buffer)
    buffer.append(Buffer.from("030e0100030f020003930300", "hex"), true, false)
    const codes = [1, 2, 3].map(() => {
      const message = parser.next(terms, undefined)
      return message?._tag === "Function" ? message.header.code : undefined
    })
    assert.deepStrictEqual(codes, [14, 15, 147])
  })
})

describe("long binds", () => {
  it("are read once each, however many packets they come in (F12)", () => {
    const size = 200_000
    const bind = { type: 23, form: 0, maxSize: size, isArray: false, maxElements: 0, oid: undefined, prefetch: 0 }
    const writer = new ByteWriter()
    writer.u8(7)
    for (let index = 0; index < 3; index++) writer.lv(Buffer.alloc(size, index + 1))
    const bytes = Buffer.from(writer.written())
    const buffer = new RequestBuffer()
    let partial: PartialRow | undefined
    let kept = 0
    let row: BindRow | undefined
    for (let at = 0; at < bytes.length && row === undefined; at += 8000) {
      buffer.append(bytes.subarray(at, at + 8000), false, true)
      const start = buffer.reader.position
      let from = start
      try {
        row = readBindRow(buffer.reader, [bind, bind, bind], [0, 1, 2], partial, (begun) => {
          partial = begun
          kept++
          from = buffer.reader.position
        })
      } catch (cause) {
        buffer.retry(from, (cause as { needed: number }).needed)
      }
    }
    assert.strictEqual(kept, 2)
    assert.deepStrictEqual(row?.map((value) => (value as Uint8Array)[0]), [1, 2, 3])
  })
})
