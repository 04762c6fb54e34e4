/** Texts as messages show them: without control characters, and without the passwords that people write where none belongs. */
import * as Formatter from "effect/Formatter"

// Control characters, and the format characters that change the direction or the lines of a text.
// oxlint-disable-next-line no-control-regex
const unprintable = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

const named: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" }

/** The text with every control character escaped, so that a message stays on its line and shows what is really there. */
export const escapeControls = (text: string): string =>
  text.replace(unprintable, (found) => named[found] ?? `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`)

/** Whether a text holds control characters. */
export const hasControls = (text: string): boolean => text.search(unprintable) >= 0

/** Any value as a message shows it; a `Redacted` stays redacted. */
export const showValue = (value: unknown): string => escapeControls(Formatter.format(value))

/** Whether a user name has a password in it, as in `scott/tiger`. A quoted name may hold a slash. */
export const hasPassword = (user: string): boolean => user.replace(/"[^"]*"/g, "").includes("/")

/** What is said of a field that does not hold what is expected there; a secret is not repeated. */
export const mistake = (field: string, expected: string, value: unknown, isSecret = false) => ({
  field,
  problem: `must be ${expected}${isSecret ? "" : `, not ${showValue(value)}`}`
})

const login = /^((?:[a-z][a-z0-9+.-]*:)?(?:\/\/)?[^/:@\s]*[/:])(.+)@/is

/** The address of a database without the password of a log-in in front of it: `scott/***@host`, `scheme://scott:***@host`. */
export const maskLogin = (address: string): string =>
  address.trimStart().startsWith("(") ? address : address.replace(login, "$1***@")
