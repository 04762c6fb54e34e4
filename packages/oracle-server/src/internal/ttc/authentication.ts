/** Who logs on: checks passwords and proxies, and changes passwords. The bytes are read by `authMessage.ts`. */
import { oraError } from "../engine/oraError.ts"
import { type AuthMessage, AuthMode } from "./authMessage.ts"
import type { Logon } from "./logon.ts"
import type { TtcTerms } from "./negotiation.ts"
import type { Account, TtcHost } from "./ttcHost.ts"
import {
  type AuthPair,
  Challenge,
  checkPassword,
  type ComboKey,
  fakeVerifier,
  openPassword,
  serverResponse,
  type Verifier
} from "./verifier.ts"

/** A name as the database keeps it: upper case, unless it is quoted. */
const normalizeName = (name: string): string => {
  const trimmed = name.trim()
  return trimmed.length >= 2 && trimmed.startsWith("\"") && trimmed.endsWith("\"")
    ? trimmed.slice(1, -1)
    : trimmed.toUpperCase()
}

/** Why somebody is denied is for the server's log; the client is not told. */
const denied = (reason?: string) => {
  const error = oraError(1017, "invalid credential or not authorized; logon denied")
  if (reason !== undefined) error.cause = reason
  return error
}

const maxPasswordBytes = 1024

const isPassword = (text: string): boolean =>
  text !== "" && !text.includes("\0") && Buffer.byteLength(text, "utf8") <= maxPasswordBytes

const timeZoneOf = (statement: string | undefined): string | undefined => {
  const match = /time_zone\s*=\s*'?([^'\0\s]+)'?/i.exec(statement ?? "")
  const zone = match?.[1]
  // The client does not pad the minutes of an offset.
  const offset = /^([+-])(\d{1,2}):(\d{1,2})$/.exec(zone ?? "")
  return offset === null ? zone : `${offset[1]}${offset[2]!.padStart(2, "0")}:${offset[3]!.padStart(2, "0")}`
}

/** The two rounds of a logon, and later changes of the password, on one connection. */
export class Authentication {
  readonly #host: TtcHost
  #account: Account | undefined
  #verifier: Verifier | undefined
  #challenge: Challenge | undefined
  #key: ComboKey | undefined
  #first: AuthMessage | undefined

  constructor(host: TtcHost) {
    this.#host = host
  }

  async phaseOne(message: AuthMessage, terms: TtcTerms): Promise<ReadonlyArray<AuthPair>> {
    const name = normalizeName(message.user)
    this.#first = message
    this.#account = this.#host.account(name)
    // An unknown user gets a challenge like any other, the same salt every time, and is turned away in phase two.
    this.#verifier = this.#account === undefined ? fakeVerifier(this.#host.secret, name) : await this.#account.verifier
    this.#challenge = new Challenge(this.#verifier, terms.mixesAllKeys)
    return this.#challenge.pairs()
  }

  /** Who logs on; throws what keeps them out. */
  async phaseTwo(message: AuthMessage): Promise<Logon> {
    const { pairs } = message
    const token = pairs.get("AUTH_TOKEN")
    if (token !== undefined) return this.#byToken(message, token)
    if (this.#challenge === undefined && !pairs.has("AUTH_PASSWORD")) return this.#byCertificate(message)
    const account = this.#account
    const challenge = this.#challenge
    const verifier = this.#verifier
    if (challenge === undefined || verifier === undefined) throw oraError(1017, "no authentication is in progress")
    this.#challenge = undefined
    if (account?.state === "locked") throw oraError(28000, "The account is locked.")
    const key = await challenge.comboKey(pairs.get("AUTH_SESSKEY"))
    const password = key === undefined ? undefined : openPassword(key, pairs.get("AUTH_PASSWORD"))
    const right = key !== undefined && password !== undefined && isPassword(password) &&
      await checkPassword(verifier, password, key, pairs.get("AUTH_PBKDF2_SPEEDY_KEY"))
    if (!right || account === undefined) {
      account?.refused()
      throw denied()
    }
    this.#key = key
    const newPassword = pairs.get("AUTH_NEWPASSWORD")
    if ((message.mode & AuthMode.changePassword) !== 0 && newPassword !== undefined) {
      await this.#replace(account, newPassword)
    } else if (account.state === "expired") throw oraError(28001, "The account has expired.")
    const sysdba = (message.mode & (AuthMode.sysdba | AuthMode.sysoper)) !== 0
    if (sysdba && !account.sysdba) throw denied()
    const logon = this.#logon(message, account, sysdba, "PASSWORD", undefined)
    account.accepted()
    return logon
  }

  /** A token in place of a password; an IAM token comes with a proof that its client has the key that it names. */
  #byToken(message: AuthMessage, token: string): Logon {
    const { tokens } = this.#host
    const { pairs } = message
    if (tokens === undefined) throw denied("there are no tokens on this connection")
    let claims
    try {
      claims = tokens.verify(token)
      const header = pairs.get("AUTH_HEADER")
      const signature = pairs.get("AUTH_SIGNATURE")
      if (header !== undefined || claims["jwk"] !== undefined) {
        tokens.prove(claims, { header: header ?? "", signature: signature ?? "" })
      }
    } catch (cause) {
      throw denied(cause instanceof Error ? `the token is refused: ${cause.message}` : String(cause))
    }
    const subject = String(claims.sub ?? "")
    const name = tokens.userOf(claims)
    const account = name !== undefined
      ? this.#host.account(normalizeName(name))
      : this.#host.externalAccount(subject) ?? this.#host.account(normalizeName(subject))
    return this.#external(message, account, "TOKEN_GLOBAL", subject)
  }

  /** The certificate of TLS in place of a password. */
  #byCertificate(message: AuthMessage): Logon {
    const { certificate } = this.#host
    if (certificate === undefined) throw denied("neither a password nor a certificate was shown")
    return this.#external(message, this.#host.externalAccount(certificate), "SSL", certificate)
  }

  #external(message: AuthMessage, account: Account | undefined, method: Logon["method"], name: string): Logon {
    if (account === undefined) throw denied(`there is no user for ${name}`)
    if (account.state === "locked") throw oraError(28000, "The account is locked.")
    return this.#logon(message, account, false, method, name)
  }

  #logon(
    message: AuthMessage,
    account: Account,
    sysdba: boolean,
    method: Logon["method"],
    externalName: string | undefined
  ): Logon {
    const { pairs } = message
    const given = (key: string) => pairs.get(key) ?? this.#first?.pairs.get(key) ?? ""
    const client = pairs.get("PROXY_CLIENT_NAME")
    const user = client === undefined ? account.name : this.#proxied(normalizeName(client), account.name)
    return {
      user: sysdba ? "SYS" : user,
      proxyUser: client === undefined ? undefined : account.name,
      sysdba,
      method,
      externalName,
      program: given("AUTH_PROGRAM_NM"),
      machine: given("AUTH_MACHINE"),
      osUser: given("AUTH_SID"),
      terminal: given("AUTH_TERMINAL"),
      processId: given("AUTH_PID"),
      driverName: given("SESSION_CLIENT_DRIVER_NAME"),
      edition: pairs.get("AUTH_ORA_EDITION"),
      timeZone: timeZoneOf(pairs.get("AUTH_ALTER_SESSION")),
      connectionClass: pairs.get("AUTH_KPPL_CONN_CLASS"),
      purity: Number(pairs.get("AUTH_KPPL_PURITY") ?? "0"),
      contexts: message.contexts,
      expiring: account.state === "expiring"
    }
  }

  #proxied(client: string, proxy: string): string {
    const target = this.#host.account(client)
    if (target === undefined || !target.allowsProxy(proxy)) {
      throw oraError(28150, "proxy not authorized to connect as client")
    }
    if (target.state === "locked") throw oraError(28000, "The account is locked.")
    return target.name
  }

  /** What the client checks and shows of a finished logon. */
  answer(session: { readonly sid: number; readonly serial: number }, fieldVersion: number): ReadonlyArray<AuthPair> {
    const host = this.#host
    const pair = (key: string, value: string): AuthPair => ({ key, value, flags: 0 })
    return [
      pair("AUTH_VERSION_STRING", "- Production"),
      pair("AUTH_VERSION_SQL", "25"),
      pair("AUTH_VERSION_NO", String(versionNumber(host.version, fieldVersion))),
      pair("AUTH_DBNAME", host.databaseName),
      pair("AUTH_INSTANCENAME", host.instanceName),
      pair("AUTH_SC_SERVICE_NAME", host.serviceName),
      pair("AUTH_SC_INSTANCE_NAME", host.instanceName),
      pair("AUTH_SC_DBUNIQUE_NAME", host.databaseName),
      pair("AUTH_SC_REAL_DBUNIQUE_NAME", host.databaseName),
      pair("AUTH_SC_DB_DOMAIN", host.databaseDomain),
      pair("AUTH_MAX_OPEN_CURSORS", String(host.maxOpenCursors)),
      pair("AUTH_MAX_IDEN_LENGTH", "128"),
      pair("AUTH_SESSION_ID", String(session.sid)),
      pair("AUTH_SERIAL_NUM", String(session.serial)),
      // Only a client with a password can check it.
      ...(this.#key === undefined ? [] : [pair("AUTH_SVR_RESPONSE", serverResponse(this.#key))])
    ]
  }

  /** `changePassword` of a client that is logged on: the keys of its logon still hold. */
  async changePassword(logon: Logon, message: AuthMessage): Promise<void> {
    const key = this.#key
    const account = this.#host.account(normalizeName(message.user))
    if (key === undefined || account === undefined) throw denied()
    if (account.name !== logon.user) throw oraError(1031, "insufficient privileges")
    const old = openPassword(key, message.pairs.get("AUTH_PASSWORD"))
    const current = await account.verifier
    if (old === undefined || !isPassword(old) || !await checkPassword(current, old, key, undefined)) {
      throw oraError(28008, "invalid old password")
    }
    await this.#replace(account, message.pairs.get("AUTH_NEWPASSWORD"))
  }

  async #replace(account: Account, encrypted: string | undefined): Promise<void> {
    const password = openPassword(this.#key!, encrypted)
    // A NUL would make another password of it for the client than for the verifier, whose keys are padded with them.
    if (password === undefined || !isPassword(password)) throw oraError(988, "missing or invalid password(s)")
    await account.changePassword(password)
  }
}

/** `23.7.0.25.1` as the client takes it apart again. */
export const versionNumber = (version: string, fieldVersion: number): number => {
  const parts = version.split(".").map(Number)
  const [major = 0, release = 0, update = 0, port = 0, portUpdate = 0] = parts
  // Before 18c the five numbers had other widths, and four bits for the fourth.
  const v18 = 11
  return fieldVersion >= v18
    ? ((major << 24) | (release << 16) | (update << 12) | (port << 4) | portUpdate) >>> 0
    : ((major << 24) | (release << 20) | (update << 12) | ((port & 0xf) << 8) | portUpdate) >>> 0
}
