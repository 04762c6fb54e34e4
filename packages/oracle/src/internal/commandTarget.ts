/** The flags by which every subcommand is told of a database, and what they come to. */
import { Flag } from "effect/cli"
import * as Config from "effect/Config"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { Target } from "./doctor/probe.ts"

export const connectFlags = {
  connectString: Flag.String("connect-string").pipe(
    Flag.withAlias("c"),
    Flag.withDescription("host:port/service, a full descriptor, or an alias; default: ORACLE_CONNECT_STRING"),
    Flag.withFallbackConfig(Config.String("ORACLE_CONNECT_STRING"))
  ),
  user: Flag.String("user").pipe(
    Flag.withAlias("u"),
    Flag.withDescription("Who to log on as; default: ORACLE_USER"),
    Flag.withFallbackConfig(Config.String("ORACLE_USER"))
  ),
  password: Flag.Redacted("password").pipe(
    Flag.withDescription("The password; better given as ORACLE_PASSWORD, which no list of processes shows"),
    Flag.withFallbackConfig(Config.Redacted("ORACLE_PASSWORD"))
  ),
  configDir: Flag.String("config-dir").pipe(
    Flag.withDescription("The directory of tnsnames.ora; default: TNS_ADMIN"),
    Flag.optional
  ),
  walletLocation: Flag.String("wallet-location").pipe(
    Flag.withDescription("The directory of ewallet.pem"),
    Flag.optional
  ),
  walletPassword: Flag.Redacted("wallet-password").pipe(
    Flag.withDescription("The password of the wallet"),
    Flag.optional
  )
}

interface Given {
  readonly connectString: string
  readonly user: string
  readonly password: Redacted.Redacted<string>
  readonly configDir: Option.Option<string>
  readonly walletLocation: Option.Option<string>
  readonly walletPassword: Option.Option<Redacted.Redacted<string>>
}

/** The database that the flags name, to be opened within 15 seconds. */
export const targetOf = (given: Given): Target => ({
  connectString: given.connectString,
  user: given.user,
  // A copy without the flag's label: messages say "redacted" alike, however a password was given.
  password: Redacted.make(Redacted.value(given.password)),
  configDir: Option.getOrUndefined(given.configDir),
  walletLocation: Option.getOrUndefined(given.walletLocation),
  walletPassword: Option.getOrUndefined(given.walletPassword),
  sessions: 1,
  openTimeout: "15 seconds"
})
