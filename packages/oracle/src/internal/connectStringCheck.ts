/**
 * Connect strings as they are given: which are refused when a pool is made, and what of one may be shown.
 *
 * People write passwords into connect strings, in forms that no driver takes. What is refused is never repeated, and what is not refused is
 * shown without anything that may be a secret.
 */
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as ConnectDescriptor from "../ConnectDescriptor.ts"
import { isEasyConnectParameter } from "./easyConnect.ts"
import { foreignUrl, isProvided } from "./foreignUrl.ts"
import { mask, redactSecrets } from "./secretRedaction.ts"

/** What is known beside the connect string. */
interface Beside {
  readonly user?: string | undefined
  readonly password?: Redacted.Redacted<string> | undefined
  /** Whether somebody else says who logs on: an effect, a wallet, every request. */
  readonly hasOtherUser: boolean
  /** Whether the connect string must carry more than it says, so that it has to be read here. */
  readonly isRouted: boolean
  /** Only Thin mode reads connect strings as this package does. */
  readonly isThin: boolean
}

const isDescriptor = (text: string): boolean => text.trimStart().startsWith("(")

/** Whether the text names an entry of `tnsnames.ora`. */
export const isAlias = (text: string): boolean => !/^\s*\(|[:/@]/.test(text)

/** `host/service` and nothing else, which `user/password` looks like too. */
const twoWords = /^\s*(?:\/\/)?([^\s:/@?,;.]+)\s*\/\s*([^\s:/@?]+)\s*$/

const credentialsProblem =
  "holds an \"@\", as user/password@host does: give user and password as options of the pool, and only the address here"

const looksLikeCredentials =
  "looks like a user and a password: give these as options of the pool, and here host:port/service, a descriptor or an alias"

// Control characters other than the space between the lines of a descriptor.
// oxlint-disable-next-line no-control-regex
const control = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/

/** Why a connect string is refused, without repeating it; `undefined` when it is not. */
export const connectStringProblem = (text: string, beside: Beside): string | undefined => {
  if (control.test(text)) return "holds control characters"
  if (isProvided(text)) {
    return beside.isRouted
      ? "is read from a configuration provider by the driver alone, and a class, a boundary, serverPool or sourceRoute would have to "
        + "be written into it: leave these to what the provider gives"
      : undefined
  }
  if (isDescriptor(text) || isAlias(text)) return readProblem(text, beside)
  const foreign = foreignUrl(text)
  if (foreign !== undefined) return foreign
  if (text.includes("@")) return credentialsProblem
  const words = twoWords.exec(text)
  if (words !== null) {
    const [, host = "", service = ""] = words
    const isUser = beside.user !== undefined && host.toLowerCase() === beside.user.toLowerCase()
    const isPassword = beside.password !== undefined && service === Redacted.value(beside.password)
    if (isUser || isPassword || (beside.user === undefined && !beside.hasOtherUser)) return looksLikeCredentials
  }
  return readProblem(text, beside)
}

const readProblem = (text: string, { isThin }: Beside): string | undefined => {
  if (!isThin || isAlias(text)) return undefined
  const read = ConnectDescriptor.parse(text)
  return Result.isFailure(read) ? read.failure.message : undefined
}

/** The part after the address: `?name=value&...`. */
const parametersOf = (text: string): ReadonlyArray<readonly [name: string, value: string]> => {
  const question = isDescriptor(text) ? -1 : text.indexOf("?")
  if (question < 0) return []
  return text.slice(question + 1).split("&").map((part) => {
    const equals = part.indexOf("=")
    return equals < 0 ? ["", part] : [part.slice(0, equals).trim(), part.slice(equals + 1)]
  })
}

const isPublic = (text: string, name: string): boolean => !isProvided(text) && isEasyConnectParameter(name)

/** What in a connect string may be a secret: the values of parameters that no address has. */
export const secretsInConnectString = (text: string): ReadonlyArray<string> =>
  parametersOf(text).filter(([name]) => !isPublic(text, name)).flatMap(([, value]) => {
    const plain = value.trim()
    const decoded = decode(plain)
    return [plain, plain.replace(/^"(.*)"$/, "$1"), decoded].filter((each) => each !== "")
  })

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** A connect string as messages and statistics show it, on one line. */
export const shownConnectString = (text: string, password: Redacted.Redacted<string> | undefined): string => {
  const parameters = parametersOf(text)
  const address = parameters.length === 0 ? text : text.slice(0, text.indexOf("?"))
  const shown = parameters.map(([name, value]) => isPublic(text, name) ? `${name}=${value}` : `${name}=${mask}`)
  const whole = parameters.length === 0 ? address : `${address}?${shown.join("&")}`
  return redactSecrets(whole, password === undefined ? [] : [password]).trim().replace(/\s+/g, " ")
}
