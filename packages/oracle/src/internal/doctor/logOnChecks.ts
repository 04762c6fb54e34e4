/** Checks up to the first session: the connect string, the way to the server, the log-on and the release. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as ConnectDescriptor from "../../ConnectDescriptor.ts"
import { ConnectParameters } from "../connectSettings.ts"
import { driver } from "../oracledb.ts"
import { type Check, failed, ok, skipped, warning } from "./finding.ts"
import { openPool, type Probe, type Target, valueOf, versionOf } from "./probe.ts"

const summaryOf = (target: Target): Effect.Effect<ConnectDescriptor.Summary, unknown> =>
  new ConnectParameters({ connectString: target.connectString, configDir: target.configDir }).summary

export const connectString: Check<Target> = {
  title: "connect string is read and resolved",
  area: "Connecting",
  advice:
    "Write host:port/service, a full (DESCRIPTION=...), or an alias of the tnsnames.ora in --config-dir or TNS_ADMIN.",
  run: (target) =>
    Effect.map(summaryOf(target), (summary) => {
      const addresses = summary.addresses.map(({ host, port, protocol }) =>
        `${protocol.toLowerCase()}://${host}:${port}`
      )
      const service = summary.serviceName ?? summary.sid
      if (addresses.length === 0) {
        return failed("it names no address", "Give an address: host:port/service.")
      }
      return service === undefined
        ? warning(
          `${addresses.join(", ")}, no service`,
          "Name a service: the listener's default may not be the one you mean."
        )
        : ok(
          `${addresses.join(", ")}, service ${service}${
            summary.server === undefined ? "" : `, server ${summary.server}`
          }`
        )
    })
}

export const logOn: Check<Target> = {
  title: "log-on",
  area: "Connecting",
  advice: "Check that the listener runs and knows the service (lsnrctl services), and that the user may log on.",
  run: (target) =>
    Effect.scoped(Effect.gen(function*() {
      const pool = yield* openPool(target)
      const [took, version] = yield* Effect.timed(pool.use((connection) => connection.serverVersion))
      const mode = driver.thin ? "Thin" : "Thick"
      return ok(`Oracle Database ${version} in ${Math.round(Duration.toMillis(took))} ms, ${mode} mode`)
    }))
}

export const tls: Check<Probe> = {
  title: "TLS",
  area: "Connecting",
  advice: "Use tcps:// in the connect string, and the port on which the listener speaks TLS.",
  run: ({ pool, target }) =>
    Effect.gen(function*() {
      const { addresses } = yield* summaryOf(target)
      const plain = addresses.filter(({ protocol }) => protocol.toLowerCase() !== "tcps")
      const protocol = yield* pool.use((connection) =>
        valueOf(connection, "select sys_context('userenv', 'network_protocol') from dual")
      )
      if (plain.length === 0) return ok(`every address is tcps; the server says ${String(protocol)}`)
      return warning(
        `${plain.length} of ${addresses.length} addresses do not use TLS`,
        "Passwords are never sent in the clear, but statements and rows are. In Thin mode only TLS (tcps://) encrypts them."
      )
    })
}

/** What follows from a release, newest first. */
const consequences: ReadonlyArray<readonly [major: number, minor: number, text: string]> = [
  [23, 0, "pipelining, implicit pooling, BOOLEAN and VECTOR are there"],
  [19, 0, "no pipelining, no implicit pooling, no BOOLEAN columns"],
  [12, 2, "no pipelining, no implicit pooling; identifiers up to 128 bytes"],
  [12, 1, "no pipelining; identifiers up to 30 bytes, module up to 48"]
]

export const release: Check<Probe> = {
  title: "release",
  area: "Connecting",
  advice: "Thin mode needs Oracle Database 12.1 or later; for an older one call initOracleClient (Thick mode).",
  run: ({ pool }) =>
    Effect.map(pool.use((connection) => connection.serverVersion), (text) => {
      const [major, minor] = versionOf(text)
      const found = consequences.find(([from, fromMinor]) => major > from || (major === from && minor >= fromMinor))
      return found === undefined
        ? failed(`${text} is older than Thin mode supports`, release.advice)
        : ok(`${text}: ${found[2]}`)
    })
}

export const proxy: Check<Probe> = {
  title: "proxy user",
  area: "Connecting",
  advice: "alter user NAME grant connect through PROXY",
  run: ({ open, target }) =>
    target.proxyUser === undefined
      ? Effect.succeed(skipped("no user to try", "Name one with --proxy-user."))
      : Effect.scoped(Effect.gen(function*() {
        const pool = yield* open({ homogeneous: false })
        const who = yield* pool.use({ user: target.proxyUser }, (connection) =>
          valueOf(connection, "select user || ' through ' || sys_context('userenv', 'proxy_user') from dual"))
        return ok(String(who))
      }))
}
