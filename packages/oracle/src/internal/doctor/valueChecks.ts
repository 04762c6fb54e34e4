/** Checks that values come back as they were sent: numbers, dates, times, text and LOBs, whatever NLS settings the session has. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as OracleBind from "../../OracleBind.ts"
import { type Check, failed, ok, warning } from "./finding.ts"
import { type Probe, valueOf } from "./probe.ts"

const numbers = ["0", "-1", "0.1", "123456789012345678901234567890", "-0.000000000000000000001", "9007199254740993"]

export const numberRoundTrip: Check<Probe> = {
  title: "NUMBER round trip",
  area: "Values",
  advice: "Report this with the release of the server: a number came back as another.",
  run: ({ pool }) =>
    pool.use((connection) =>
      Effect.gen(function*() {
        // A comma for the decimal point must change nothing.
        yield* connection.execute("alter session set nls_numeric_characters = ',.'")
        const wrong: Array<string> = []
        for (const text of numbers) {
          const sent = yield* connection.query("select to_number(:t) as n from dual", { t: text.replace(".", ",") }, {
            numbers: "string"
          })
          if (!isSameNumber(String(sent[0]?.["N"]), text)) wrong.push(`${text} as ${String(sent[0]?.["N"])}`)
        }
        const bound = yield* connection.query("select :n as n from dual", { n: 1.5 })
        if (bound[0]?.["N"] !== 1.5) wrong.push(`the bind 1.5 as ${String(bound[0]?.["N"])}`)
        return wrong.length === 0
          ? ok(`${numbers.length + 1} values, with a decimal comma in the session`)
          : failed(wrong.join("; "), numberRoundTrip.advice)
      }).pipe(Effect.ensuring(Effect.ignore(connection.execute("alter session set nls_numeric_characters = '.,'"))))
    )
}

const isSameNumber = (a: string, b: string): boolean => canonical(a) === canonical(b)

/** Digits and exponent, without zeros that say nothing. */
const canonical = (text: string): string => {
  const [, sign = "", whole = "", , fraction = "", , exponent = "0"] =
    /^(-?)(\d*)(\.(\d*))?([eE]([-+]?\d+))?$/.exec(text.trim()) ?? []
  const digits = `${whole}${fraction}`.replace(/^0+/, "")
  const trimmed = digits.replace(/0+$/, "")
  if (trimmed === "") return "0"
  return `${sign}${trimmed}e${Number(exponent) - fraction.length + digits.length - trimmed.length}`
}

const dates = ["0001-01-01", "0099-12-31", "1582-10-15", "1970-01-01", "2024-02-29", "9999-12-31"]

export const dateRoundTrip: Check<Probe> = {
  title: "DATE and TIMESTAMP round trip",
  area: "Values",
  advice: "Read the column with to_char, and report this with the release of the server and of the driver.",
  run: ({ pool }) =>
    pool.use((connection) =>
      Effect.gen(function*() {
        const wrong: Array<string> = []
        for (const text of dates) {
          const read = yield* valueOf(connection, "select to_date(:t, 'YYYY-MM-DD') from dual", { t: text })
          const iso = read instanceof Date ? read.toISOString() : String(read)
          if (!iso.startsWith(text)) wrong.push(`${text} was read as ${iso}`)
          const sent = yield* valueOf(connection, "select to_char(:d, 'YYYY-MM-DD') from dual", {
            d: OracleBind.input("date", new Date(`${text}T00:00:00Z`))
          })
          if (sent !== text) wrong.push(`${text} was sent as ${String(sent)}`)
        }
        return wrong.length === 0
          ? ok(`${dates.length} dates, both ways`)
          : failed(wrong.join("; "), dateRoundTrip.advice)
      })
    )
}

export const nls: Check<Probe> = {
  title: "character sets",
  area: "Values",
  advice:
    "A database whose character set is not Unicode (AL32UTF8) loses what it cannot hold; keep such text in NVARCHAR2.",
  run: ({ pool }) =>
    pool.use((connection) =>
      Effect.gen(function*() {
        const sent = "Zoë, naïve, 日本, 🙂"
        const back = yield* valueOf(connection, "select :t from dual", { t: sent })
        const characterSet = yield* valueOf(
          connection,
          "select value from nls_database_parameters where parameter = 'NLS_CHARACTERSET'"
        ).pipe(Effect.catch(() => Effect.succeed("unknown")))
        return back === sent
          ? ok(`text of every plane comes back; the database's is ${String(characterSet)}`)
          : warning(
            `${JSON.stringify(sent)} came back as ${JSON.stringify(back)} (${String(characterSet)})`,
            nls.advice
          )
      })
    )
}

export const lobs: Check<Probe> = {
  title: "LOBs",
  area: "Values",
  advice: "Temporary LOBs need space in the temporary tablespace of the user.",
  run: ({ pool }) =>
    pool.use((connection) =>
      Effect.gen(function*() {
        const text = "sessionpool ✓ ".repeat(10_000)
        const bytes = Uint8Array.from({ length: 200_000 }, (_, index) => (index * 31) % 256)
        const clob = yield* connection.createLob("clob", text)
        const blob = yield* connection.createLob("blob", Stream.make(bytes))
        const [row] = yield* connection.query("select :c as c, :b as b from dual", { c: clob, b: blob })
        const sameText = row?.["C"] === text
        const back = row?.["B"]
        const sameBytes = back instanceof Uint8Array && back.length === bytes.length
          && back.every((byte, index) => byte === bytes[index])
        return sameText && sameBytes
          ? ok(`${text.length} characters and ${bytes.length} bytes came back`)
          : failed(`${sameText ? "" : "the CLOB differs "}${sameBytes ? "" : "the BLOB differs"}`.trim(), lobs.advice)
      })
    )
}
