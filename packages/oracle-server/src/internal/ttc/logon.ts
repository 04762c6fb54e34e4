/** Who has logged on, as the server around the protocol needs to know it. */
import type { AuthMessage } from "./authMessage.ts"

/** Who has logged on, and what the client said of itself. */
export interface Logon {
  readonly user: string
  readonly proxyUser: string | undefined
  readonly sysdba: boolean
  /** As `sys_context('userenv', 'authentication_method')` says it. */
  readonly method: "PASSWORD" | "TOKEN_GLOBAL" | "SSL"
  /** What the certificate or the token calls the user. */
  readonly externalName: string | undefined
  readonly program: string
  readonly machine: string
  readonly osUser: string
  readonly terminal: string
  readonly processId: string
  readonly driverName: string
  readonly edition: string | undefined
  readonly timeZone: string | undefined
  readonly connectionClass: string | undefined
  /** DRCP purity: 1 new, 2 self; 0 when the client said nothing. */
  readonly purity: number
  readonly contexts: AuthMessage["contexts"]
  /** The password will have to be changed soon. */
  readonly expiring: boolean
}
