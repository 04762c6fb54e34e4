/**
 * Objects, records and collections of the driver: how their values are written and read.
 *
 * The driver turns each NUMBER in an object into a double. Its digits stand in the object's own data, which is read where this release
 * has it; otherwise a number is a failure where it is not asked for as a double.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import { checkDate, checkNumber, RefusedBind } from "./bindRefusal.ts"
import { dateForDriver, dateReader } from "./datePolicy.ts"
import { objectData } from "./driverInternals.ts"
import { exactNumber, isNumberPolicy, numberReader, Unfit } from "./numberPolicy.ts"
import { type DbClass, type DbPart, type DbType, type DbValue, driver } from "./oracledb.ts"
import { kindOf } from "./refusal.ts"
import type { ValueSettings } from "./valueSettings.ts"

const isDbValue = (value: unknown): value is DbValue =>
  typeof value === "object" && value !== null && "isCollection" in value && "fqn" in value

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value) &&
  !(value instanceof Date)

/** Runs `write` for a part; what it refuses says where it is. */
const at = <A>(path: string, write: () => A): A => {
  try {
    return write()
  } catch (thrown) {
    throw thrown instanceof RefusedBind ? new RefusedBind(`at ${path}, ${thrown.problem}`) : thrown
  }
}

const zoneless: ReadonlySet<DbType> = new Set([driver.DB_TYPE_DATE, driver.DB_TYPE_TIMESTAMP])

const doubles: ReadonlySet<DbType> = new Set([driver.DB_TYPE_BINARY_DOUBLE, driver.DB_TYPE_BINARY_FLOAT])

/** The driver writes its four bytes, without a sign, of whatever it is given. */
const plsInteger = (value: number | bigint): number => {
  if (value < 0) throw new RefusedBind("the driver cannot write a PLS_INTEGER below 0 within an object or a record")
  const integer = Number(value)
  if (!Number.isInteger(integer) || integer > 2_147_483_647) {
    throw new RefusedBind(`a PLS_INTEGER is an integer of at most 2147483647, not ${value}`)
  }
  return integer
}

const writeScalar = (type: DbType, value: unknown, settings: Pick<ValueSettings, "dates">): unknown => {
  if (typeof value === "number" || typeof value === "bigint") {
    // The driver writes these as doubles, which it can make of a number alone.
    if (doubles.has(type)) return Number(value)
    if (type === driver.DB_TYPE_NUMBER) checkNumber(value)
    return type === driver.DB_TYPE_BINARY_INTEGER ? plsInteger(value) : value
  }
  if (BigDecimal.isBigDecimal(value)) {
    if (doubles.has(type)) return Number(BigDecimal.format(value))
    const exact = Option.getOrUndefined(exactNumber(value))
    if (exact === undefined) {
      throw new RefusedBind(
        "the driver sends a NUMBER in an object or a list as a double, which cannot hold its digits"
      )
    }
    return writeScalar(type, exact, settings)
  }
  if (value instanceof Date) {
    const zone = zoneless.has(type) ? settings.dates : "utc"
    checkDate(value, zone)
    return zoneless.has(type) ? dateForDriver(settings.dates, value) : value
  }
  if (DateTime.isDateTime(value)) {
    const date = new Date(DateTime.toEpochMillis(value))
    checkDate(date, "utc")
    // A moment: in a type without zone it stands as what it is in UTC, as it does in a bind of its own.
    return zoneless.has(type) ? dateForDriver("utc", date) : date
  }
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  return value
}

/** One element of an index-by table, as the driver takes it. */
export const writeElement = writeScalar

const writePart = (part: DbPart, value: unknown, settings: ValueSettings): unknown => {
  if (value === null || value === undefined) return null
  return part.typeClass === undefined
    ? writeScalar(part.type, value, settings)
    : writeObject(part.typeClass, value, settings)
}

/** A value of the program as one of the driver's class; names of attributes are those that columns would have. */
export const writeObject = (type: DbClass, value: unknown, settings: ValueSettings): unknown => {
  if (value === null || value === undefined) return null
  const { attributes, elementType, elementTypeClass, fqn, isCollection } = type.prototype
  if (isCollection) {
    if (!Array.isArray(value)) throw new RefusedBind(`${fqn} takes an array, not ${kindOf(value)}`)
    const element: DbPart = {
      type: elementType!,
      ...(elementTypeClass !== undefined && { typeClass: elementTypeClass })
    }
    return new type(value.map((each, index) => at(`[${index}]`, () => writePart(element, each, settings))))
  }
  if (!isRecord(value)) throw new RefusedBind(`${fqn} takes an object with its attributes, not ${kindOf(value)}`)
  const byName = new Map(
    Object.keys(attributes).map((
      name
    ) => [settings.columnNames === undefined ? name : settings.columnNames(name), name])
  )
  const written: Record<string, unknown> = {}
  for (const [key, part] of Object.entries(value)) {
    const name = byName.get(key)
    if (name === undefined) {
      throw new RefusedBind(
        `${JSON.stringify(key)} is no attribute of ${fqn}, which has ${[...byName.keys()].join(", ")}`
      )
    }
    written[name] = at(key, () => writePart(attributes[name]!, part, settings))
  }
  return new type(written)
}

const lostDigits = new Unfit(
  "was read by the driver as a double, in which digits may be lost; read it as \"double\", or with to_char"
)

/** A double that prints with more digits than this may be short of some of a NUMBER's. */
const sureDigits = 15

const digitsOf = (value: number): number =>
  String(value).replace(/e.*$/, "").replace(/\D/g, "").replace(/^0+/, "").length

/** An element of an index-by table, which the driver has made a double of. */
export const readElement = (read: (text: string) => unknown) => (value: unknown): unknown =>
  typeof value === "number" ? digitsOf(value) > sureDigits ? lostDigits : read(String(value)) : value

/** Reads a NUMBER of this name, as its digits or as a double. */
const numberPart = (name: string, settings: ValueSettings): (value: unknown) => unknown => {
  const { numbers } = settings
  const policy = typeof numbers === "function" ? numbers({ name, type: driver.DB_TYPE_NUMBER.name }) : numbers
  if (!isNumberPolicy(policy)) {
    return () => new Unfit(`has no policy that could read it: the function \`numbers\` gave ${kindOf(policy)} for it`)
  }
  const read = numberReader(policy === "number" && settings.safeIntegers === "always" ? "safeIntegers" : policy)
  return (value) =>
    typeof value === "string" ? read(value) : typeof value === "number" && policy !== "double" ? lostDigits : value
}

const within = (path: string, value: unknown): unknown =>
  value instanceof Unfit ? new Unfit(`at ${path}, ${value.problem}`) : value

const readPart = (type: DbType, name: string, value: unknown, settings: ValueSettings): unknown => {
  if (value === null || value === undefined) return null
  const inner = objectData(value)
  if (inner !== undefined) return readData(inner, name, settings)
  if (isDbValue(value)) return readValue(value, name, settings)
  if (type === driver.DB_TYPE_NUMBER) return numberPart(name, settings)(value)
  if (zoneless.has(type) && value instanceof Date) {
    const read = dateReader(settings.dates)
    return read === undefined ? value : read(value)
  }
  return value
}

type Part = readonly [key: string, name: string, type: DbType, value: unknown]

/** The parts of an object or a collection, from its own data. */
const readData = (data: NonNullable<ReturnType<typeof objectData>>, name: string, settings: ValueSettings): unknown =>
  data.isCollection
    ? readElements(data.elementType, data.values, name, settings)
    : readAttributes(
      data.attributes.map((attribute, i): Part => {
        const key = settings.columnNames === undefined ? attribute.name : settings.columnNames(attribute.name)
        return [key, attribute.name, attribute.type, data.values[i]]
      }),
      settings
    )

/** The same by what the driver documents. */
const readValue = (value: DbValue, name: string, settings: ValueSettings): unknown =>
  value.isCollection
    ? readElements(value.elementType!, value.getValues(), name, settings)
    : readAttributes(
      Object.entries(value.attributes).map(([attribute, { type }]): Part => {
        const key = settings.columnNames === undefined ? attribute : settings.columnNames(attribute)
        return [key, attribute, type, Reflect.get(value, attribute)]
      }),
      settings
    )

const readElements = (
  type: DbType,
  values: ReadonlyArray<unknown>,
  name: string,
  settings: ValueSettings
): unknown => {
  const read: Array<unknown> = []
  for (const [index, value] of values.entries()) {
    const element = within(`[${index}]`, readPart(type, name, value, settings))
    if (element instanceof Unfit) return element
    read.push(element)
  }
  return read
}

const readAttributes = (parts: ReadonlyArray<Part>, settings: ValueSettings): unknown => {
  const read: Record<string, unknown> = {}
  for (const [key, name, type, value] of parts) {
    const part = within(key, readPart(type, name, value, settings))
    if (part instanceof Unfit) return part
    read[key] = part
  }
  return read
}

/** A value of the driver as one of the program: plain objects and arrays, or what of it does not fit. */
export const readObject = (value: unknown, name: string, settings: ValueSettings): unknown =>
  readPart(driver.DB_TYPE_OBJECT, name, value, settings)

const formatIssue = SchemaIssue.makeFormatterStandardSchemaV1()

const issueText = (error: Schema.SchemaError): string => {
  const first = formatIssue(error.issue).issues?.[0]
  const path = (first?.path ?? []).map((step) => String(typeof step === "object" ? step.key : step)).join(".")
  return `${path === "" ? "" : `at ${path}, `}${first?.message ?? "it does not fit the schema"}`
}

const failureOf = (exit: Exit.Failure<unknown, Schema.SchemaError>): string => {
  const error = Exit.findErrorOption(exit)
  return Option.isSome(error) ? issueText(error.value) : "it does not fit the schema"
}

/** What the schema of a type makes of a value of the program, to be written. */
export const encodeWith = (schema: Schema.Codec<unknown, unknown>, value: unknown): unknown => {
  const exit = Schema.encodeUnknownExit(schema)(value)
  if (Exit.isSuccess(exit)) return exit.value
  throw new RefusedBind(failureOf(exit))
}

/** What the schema makes of a value that was read. */
export const decodeWith = (schema: Schema.Codec<unknown, unknown>, value: unknown): unknown => {
  if (value instanceof Unfit) return value
  const exit = Schema.decodeUnknownExit(schema)(value)
  return Exit.isSuccess(exit) ? exit.value : new Unfit(failureOf(exit))
}
