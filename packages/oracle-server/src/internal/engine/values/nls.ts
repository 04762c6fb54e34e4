/** The NLS parameters of a session and the settings of TO_CHAR that follow from them. */
import type { NumberNls } from "./format/numberFormat.ts"
import { oraError, unimplemented } from "./oraError.ts"

const nlsDefaults: Readonly<Record<string, string>> = {
  NLS_LANGUAGE: "AMERICAN",
  NLS_TERRITORY: "AMERICA",
  NLS_CURRENCY: "$",
  NLS_ISO_CURRENCY: "AMERICA",
  NLS_NUMERIC_CHARACTERS: ".,",
  NLS_CALENDAR: "GREGORIAN",
  NLS_DATE_FORMAT: "DD-MON-RR",
  NLS_DATE_LANGUAGE: "AMERICAN",
  NLS_SORT: "BINARY",
  NLS_TIME_FORMAT: "HH.MI.SSXFF AM",
  NLS_TIMESTAMP_FORMAT: "DD-MON-RR HH.MI.SSXFF AM",
  NLS_TIME_TZ_FORMAT: "HH.MI.SSXFF AM TZR",
  NLS_TIMESTAMP_TZ_FORMAT: "DD-MON-RR HH.MI.SSXFF AM TZR",
  NLS_DUAL_CURRENCY: "$",
  NLS_COMP: "BINARY",
  NLS_LENGTH_SEMANTICS: "BYTE",
  NLS_NCHAR_CONV_EXCP: "FALSE"
}

/** Values other than the default that would change answers in a way the engine does not have. */
const fixed: Readonly<Record<string, ReadonlyArray<string>>> = {
  NLS_LANGUAGE: ["AMERICAN", "ENGLISH"],
  NLS_DATE_LANGUAGE: ["AMERICAN", "ENGLISH"],
  NLS_CALENDAR: ["GREGORIAN"],
  NLS_SORT: ["BINARY"],
  NLS_COMP: ["BINARY"]
}

/** `NAME = value` pairs of the last argument of TO_CHAR and its relatives. */
const parametersOf = (text: string): ReadonlyMap<string, string> => {
  const found = new Map<string, string>()
  const grammar = /\s*([A-Za-z_]+)\s*=\s*(?:'((?:[^']|'')*)'|([^\s']+(?:\s+(?!NLS_)[^\s']+)*))\s*/giy
  while (grammar.lastIndex < text.length) {
    const match = grammar.exec(text)
    if (match === null) throw oraError(12702, "invalid NLS parameter string used in SQL function")
    found.set(match[1]!.toUpperCase(), match[2] ?? match[3]!)
  }
  return found
}

/** The NLS argument of a function of dates: the engine has names in one language. */
export const checkDateNls = (text: string | undefined): void => {
  if (text === undefined) return
  for (const [name, value] of parametersOf(text)) {
    if (name !== "NLS_DATE_LANGUAGE" && name !== "NLS_CALENDAR") {
      throw oraError(12702, "invalid NLS parameter string used in SQL function")
    }
    if (!fixed[name]!.includes(value.toUpperCase())) throw unimplemented(`${name} = ${value}`)
  }
}

const isoCurrencies: Readonly<Record<string, string>> = {
  "AMERICA": "USD",
  "CANADA": "CAD",
  "FRANCE": "EUR",
  "GERMANY": "EUR",
  "JAPAN": "JPY",
  "SWITZERLAND": "CHF",
  "UNITED KINGDOM": "GBP"
}

export class Nls {
  readonly #values = new Map(Object.entries(nlsDefaults))
  #numbers: NumberNls | undefined

  get(name: string): string {
    return this.#values.get(name)!
  }

  get dateFormat(): string {
    return this.#values.get("NLS_DATE_FORMAT")!
  }

  get timestampFormat(): string {
    return this.#values.get("NLS_TIMESTAMP_FORMAT")!
  }

  get timestampTzFormat(): string {
    return this.#values.get("NLS_TIMESTAMP_TZ_FORMAT")!
  }

  get characters(): boolean {
    return this.#values.get("NLS_LENGTH_SEMANTICS") === "CHAR"
  }

  get number(): NumberNls {
    if (this.#numbers === undefined) {
      const characters = this.get("NLS_NUMERIC_CHARACTERS")
      this.#numbers = {
        decimal: characters[0]!,
        group: characters[1]!,
        currency: this.get("NLS_CURRENCY"),
        dualCurrency: this.get("NLS_DUAL_CURRENCY"),
        isoCurrency: isoCurrencies[this.get("NLS_ISO_CURRENCY").toUpperCase()] ?? "USD"
      }
    }
    return this.#numbers
  }

  /** The session's settings with those of an NLS argument. */
  numberWith(text: string): NumberNls {
    const numbers = { ...this.number }
    for (const [name, value] of parametersOf(text)) {
      if (name === "NLS_NUMERIC_CHARACTERS") {
        if (value.length !== 2 || value[0] === value[1]) {
          throw oraError(12702, "invalid NLS parameter string used in SQL function")
        }
        Object.assign(numbers, { decimal: value[0]!, group: value[1]! })
      } else if (name === "NLS_CURRENCY") Object.assign(numbers, { currency: value })
      else if (name === "NLS_DUAL_CURRENCY") Object.assign(numbers, { dualCurrency: value })
      else if (name === "NLS_ISO_CURRENCY") {
        const isoCurrency = isoCurrencies[value.toUpperCase()]
        if (isoCurrency === undefined) throw unimplemented(`NLS_ISO_CURRENCY = ${value}`)
        Object.assign(numbers, { isoCurrency })
      } else throw oraError(12702, "invalid NLS parameter string used in SQL function")
    }
    return numbers
  }

  set(name: string, value: string, at = 0): void {
    if (!this.#values.has(name)) throw oraError(2248, "invalid option for ALTER SESSION", at)
    const upper = value.toUpperCase()
    const allowed = fixed[name]
    if (allowed !== undefined && !allowed.includes(upper)) throw unimplemented(`${name} = ${value}`, at)
    if (name === "NLS_NUMERIC_CHARACTERS" && (value.length !== 2 || value[0] === value[1])) {
      throw oraError(12705, "Cannot access NLS data files or invalid environment specified", at)
    }
    if (name === "NLS_LENGTH_SEMANTICS" && upper !== "CHAR" && upper !== "BYTE") {
      throw oraError(12705, "Cannot access NLS data files or invalid environment specified", at)
    }
    this.#values.set(
      name,
      allowed === undefined && name !== "NLS_LENGTH_SEMANTICS" && name !== "NLS_TERRITORY" ? value : upper
    )
    this.#numbers = undefined
  }

  entries(): ReadonlyArray<readonly [string, string]> {
    return [...this.#values]
  }

  reset(): void {
    for (const [name, value] of Object.entries(nlsDefaults)) this.#values.set(name, value)
    this.#numbers = undefined
  }
}
