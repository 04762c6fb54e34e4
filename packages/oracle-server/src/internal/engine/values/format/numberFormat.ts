/** Number format models of TO_CHAR and TO_NUMBER. */
import { absolute, multiply, rescale } from "../numberArithmetic.ts"
import { fromText, isNegative, isZero, type NumberValue, toDecimal, toInteger, toText } from "../oracleNumber.ts"
import { oraError } from "../oraError.ts"

export interface NumberNls {
  readonly decimal: string
  readonly group: string
  readonly currency: string
  readonly dualCurrency: string
  readonly isoCurrency: string
}

/** TO_CHAR without a model: no zero before the point, scientific beyond forty characters. */
export const plainNumber = (bytes: NumberValue, decimal = "."): string => {
  const text = toText(bytes)
  const negative = text.startsWith("-")
  let body = negative ? text.slice(1) : text
  if (body.startsWith("0.")) body = body.slice(1)
  // Forty digits; the point stands beside them.
  const room = body.includes(".") ? 41 : 40
  if (body.length > room) {
    const point = body.indexOf(".")
    if ((point >= 0 && point <= room - 1) && /[1-9]/.test(body.slice(0, room))) {
      const leading = /^\.0*/.exec(body)?.[0].length ?? 0
      if (leading < 6) {
        const kept = toText(rescale(absolute(bytes), room - point - 1, false)).replace(/^0\./, ".")
        return (negative ? "-" : "") + kept.replace(".", decimal)
      }
    }
    return scientific(bytes, 33, true).trim().replace(".", decimal)
  }
  return (negative ? "-" : "") + (decimal === "." ? body : body.replace(".", decimal))
}

const scientific = (bytes: NumberValue, places: number, shorten: boolean): string => {
  if (isZero(bytes)) return "0" + (places > 0 && !shorten ? "." + "0".repeat(places) : "") + "E+00"
  const { coefficient, exponent } = toDecimal(bytes)
  const negative = coefficient < 0n
  let digits = (negative ? -coefficient : coefficient).toString()
  let power = exponent + digits.length - 1
  if (digits.length > places + 1) {
    const unit = 10n ** BigInt(digits.length - places - 1)
    const value = BigInt(digits)
    digits = ((value + unit / 2n) / unit).toString()
    if (digits.length > places + 1) {
      digits = digits.slice(0, -1)
      power++
    }
  }
  digits = shorten ? digits.replace(/0+$/, "") || "0" : digits.padEnd(places + 1, "0")
  const fraction = digits.slice(1)
  return (negative ? "-" : "") + digits[0] + (fraction === "" ? "" : "." + fraction) + "E" + (power < 0 ? "-" : "+") +
    String(Math.abs(power)).padStart(2, "0")
}

interface Model {
  readonly fill: boolean
  readonly sign: "lead" | "S" | "tailS" | "MI" | "PR"
  readonly currency: "" | "$" | "L" | "C" | "U"
  readonly blank: boolean
  /** `9`, `0` and group marks before the point. */
  readonly whole: string
  readonly fraction: string
  readonly point: "" | "." | "D"
  readonly shift: number
  readonly scientific: boolean
  readonly special: "" | "TM" | "TME" | "X" | "RN"
  readonly text: string
}

const models = new Map<string, Model>()

const invalid = (): never => {
  throw oraError(1481, "invalid number format model")
}

const parseModel = (format: string): Model => {
  const known = models.get(format)
  if (known !== undefined) return known
  let rest = format.toUpperCase()
  const model = {
    fill: true,
    sign: "lead" as Model["sign"],
    currency: "" as Model["currency"],
    blank: false,
    whole: "",
    fraction: "",
    point: "" as Model["point"],
    shift: 0,
    scientific: false,
    special: "" as Model["special"],
    text: format
  }
  if (rest.startsWith("FM")) {
    model.fill = false
    rest = rest.slice(2)
  }
  if (/^TM[9E]?$/.test(rest)) model.special = rest === "TME" ? "TME" : "TM"
  else if (/^0*X+$/.test(rest)) model.special = "X"
  else if (rest === "RN") model.special = "RN"
  else {
    let inFraction = false
    let shifting = false
    for (let i = 0; i < rest.length; i++) {
      const c = rest[i]!
      if (c === "9" || c === "0") {
        if (inFraction) model.fraction += c
        else model.whole += c
        if (shifting) model.shift++
      } else if (c === "," || c === "G") {
        if (inFraction) invalid()
        model.whole += c
      } else if (c === "." || c === "D") {
        if (inFraction) invalid()
        inFraction = true
        model.point = c
      } else if (c === "V") shifting = true
      else if (c === "$" || c === "L" || c === "C" || c === "U") model.currency = c
      else if (c === "B") model.blank = true
      else if (c === "S" && (i === 0 || i === rest.length - 1)) model.sign = i === 0 ? "S" : "tailS"
      else if (rest.startsWith("MI", i) && i === rest.length - 2) {
        model.sign = "MI"
        i++
      } else if (rest.startsWith("PR", i) && i === rest.length - 2) {
        model.sign = "PR"
        i++
      } else if (rest.startsWith("EEEE", i)) {
        model.scientific = true
        i += 3
      } else invalid()
    }
    if (model.whole === "" && model.fraction === "") invalid()
  }
  models.set(format, model)
  return model
}

const roman = (value: number): string => {
  const table: ReadonlyArray<readonly [number, string]> = [
    [1000, "M"],
    [900, "CM"],
    [500, "D"],
    [400, "CD"],
    [100, "C"],
    [90, "XC"],
    [50, "L"],
    [40, "XL"],
    [10, "X"],
    [9, "IX"],
    [5, "V"],
    [4, "IV"],
    [1, "I"]
  ]
  let rest = value
  let text = ""
  for (const [size, digits] of table) {
    while (rest >= size) {
      text += digits
      rest -= size
    }
  }
  return text
}

const special = (bytes: NumberValue, model: Model): string => {
  if (model.special === "TM") return plainNumber(bytes)
  if (model.special === "TME") return scientific(bytes, 39, true)
  const rounded = toInteger(rescale(bytes, 0, false))
  if (model.special === "RN") {
    if (rounded === undefined || rounded < 1 || rounded > 3999) return "#".repeat(15)
    const text = model.text.endsWith("rn") ? roman(rounded).toLowerCase() : roman(rounded)
    return model.fill ? text.padStart(15) : text
  }
  const pattern = model.text.replace(/^fm/i, "")
  if (rounded === undefined || rounded < 0) return "#".repeat(pattern.length + 1)
  let hex = rounded.toString(16)
  if (!pattern.includes("x")) hex = hex.toUpperCase()
  if (hex.length > pattern.length) return "#".repeat(pattern.length + 1)
  if (pattern.startsWith("0")) hex = hex.padStart(pattern.length, "0")
  return model.fill ? hex.padStart(pattern.length + 1) : hex
}

export const formatNumber = (bytes: NumberValue, format: string, nls: NumberNls): string => {
  const model = parseModel(format)
  if (model.special !== "") return special(bytes, model)
  const width = model.whole.length + (model.point === "" ? 0 : 1) + model.fraction.length +
    (model.currency === "$"
      ? 1
      : model.currency === "L" || model.currency === "U"
      ? 10
      : model.currency === "C"
      ? 7
      : 0)
  const overflow = "#".repeat(width + 1)
  let negative = isNegative(bytes)
  let body: string
  if (model.scientific) {
    body = scientific(absolute(bytes), model.fraction.length, false)
    // There is always room for three digits of the exponent.
    if (model.fill) body = body.padStart(model.fraction.length + model.point.length + 6)
  } else {
    const shifted = model.shift > 0 ? multiply(bytes, fromText("1e" + model.shift)) : bytes
    const rounded = absolute(rescale(shifted, model.fraction.length, false))
    if (isZero(rounded)) negative = false
    if (model.blank && isZero(rounded)) return model.fill ? " ".repeat(width + 1) : ""
    const [whole = "", fraction = ""] = toText(rounded).split(".")
    const digits = whole === "0" ? "" : whole
    const slots = model.whole.replace(/[,G]/g, "").length
    if (digits.length > slots) return overflow
    body = placeDigits(model, digits.padStart(slots, " "), nls)
    if (model.point !== "") {
      let decimals = fraction.padEnd(model.fraction.length, "0")
      if (!model.fill) {
        const keep = model.fraction.lastIndexOf("0") + 1
        while (decimals.length > keep && decimals.endsWith("0")) decimals = decimals.slice(0, -1)
      }
      body += (model.point === "D" ? nls.decimal : ".") + decimals
    } else if (/^ *$/.test(body)) body = body.slice(0, -1) + "0"
    if (model.point !== "" && model.fraction.length === 0 && /^ *\D?$/.test(body)) {
      body = body.slice(0, -2) + "0" + body.slice(-1)
    }
  }
  return decorate(model, body, negative, nls)
}

const placeDigits = (model: Model, digits: string, nls: NumberNls): string => {
  let out = ""
  let at = 0
  let started = false
  for (const slot of model.whole) {
    if (slot === "," || slot === "G") {
      out += started ? (slot === "G" ? nls.group : ",") : " "
      continue
    }
    const digit = digits[at++]!
    if (slot === "0" || digit !== " ") started = true
    out += digit === " " ? (started ? "0" : " ") : digit
  }
  return out
}

const decorate = (model: Model, body: string, negative: boolean, nls: NumberNls): string => {
  let text = body.trimStart()
  const pad = body.length - text.length
  const money = model.currency === "$"
    ? "$"
    : model.currency === "L"
    ? nls.currency
    : model.currency === "U"
    ? nls.dualCurrency
    : model.currency === "C"
    ? nls.isoCurrency
    : ""
  text = money + text
  const room = { "": 0, "$": 0, "L": 10, "U": 10, "C": 7 }[model.currency]
  const moneyPad = Math.max(0, room - money.length)
  let lead = " ".repeat(pad + moneyPad)
  let tail = ""
  switch (model.sign) {
    case "lead":
      text = (negative ? "-" : " ") + text
      break
    case "S":
      text = (negative ? "-" : "+") + text
      break
    case "tailS":
      tail = negative ? "-" : "+"
      break
    case "MI":
      tail = negative ? "-" : " "
      break
    case "PR":
      text = (negative ? "<" : " ") + text
      tail = negative ? ">" : " "
      break
  }
  if (!model.fill) {
    lead = ""
    return (text + tail).trim()
  }
  return lead + text + tail
}

/** TO_NUMBER with a model. */
export const parseNumber = (text: string, format: string, nls: NumberNls): NumberValue => {
  const model = parseModel(format)
  const fail = (): never => {
    throw oraError(1722, "unable to convert string value to a number")
  }
  let body = text.trim()
  if (model.special === "X") {
    if (!/^[0-9a-fA-F]+$/.test(body) || body.length > format.replace(/^fm/i, "").length) fail()
    return fromText(BigInt("0x" + body).toString())
  }
  if (model.special !== "") return fromText(body)
  let negative = false
  if (model.sign === "PR" && /^<.*>$/.test(body)) {
    negative = true
    body = body.slice(1, -1)
  } else if (model.sign === "MI" || model.sign === "tailS") {
    if (body.endsWith("-")) negative = true
    body = body.replace(/[+-]$/, "")
  } else {
    if (body.startsWith("-")) negative = true
    body = body.replace(/^[+-]/, "")
  }
  body = body.trim()
  const money = model.currency === "$"
    ? "$"
    : model.currency === "L"
    ? nls.currency
    : model.currency === "U"
    ? nls.dualCurrency
    : model.currency === "C"
    ? nls.isoCurrency
    : ""
  if (money !== "" && body.startsWith(money)) body = body.slice(money.length)
  if (model.scientific) return fromText((negative ? "-" : "") + body)
  const decimal = model.point === "D" ? nls.decimal : "."
  const [whole = "", fraction, ...more] = body.split(decimal)
  if (more.length > 0 || (fraction !== undefined && model.point === "")) fail()
  const groups = model.whole.includes("G") ? nls.group : ","
  const grouped = /[,G]/.test(model.whole)
  const digits = grouped ? whole.replaceAll(groups, "") : whole
  if (!/^\d*$/.test(digits) || !/^\d*$/.test(fraction ?? "")) fail()
  if (digits.length > model.whole.replace(/[,G]/g, "").length || (fraction ?? "").length > model.fraction.length) fail()
  if (digits === "" && (fraction ?? "") === "") fail()
  const value = fromText(`${negative ? "-" : ""}${digits || "0"}.${fraction ?? "0"}`)
  return model.shift > 0 ? multiply(value, fromText("1e-" + model.shift)) : value
}
