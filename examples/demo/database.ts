/** The database of the demo: the real one that the environment names, else the embedded server. */
import { OracleServer } from "@sessionpool/oracle-server"
import { Config, Effect, Option, Redacted } from "effect"

/** How to connect, and the server to hurt when it is the embedded one. */
export interface DemoDatabase {
  readonly connect: {
    readonly connectString: string
    readonly user: string
    readonly password: Redacted.Redacted<string>
  }
  readonly server: OracleServer.Service | undefined
}

const real = Config.all({
  connectString: Config.String("ORACLE_CONNECT_STRING"),
  user: Config.String("ORACLE_USER"),
  password: Config.Redacted("ORACLE_PASSWORD")
})

const embedded = Effect.map(
  OracleServer.make({ users: { bookings: "secret" }, databaseName: "DEMO" }),
  (server): DemoDatabase => ({
    connect: { connectString: server.connectString, user: "bookings", password: Redacted.make("secret") },
    server
  })
)

/** The database that `ORACLE_CONNECT_STRING`, `ORACLE_USER` and `ORACLE_PASSWORD` name, or an embedded one. */
export const database = Effect.flatMap(
  Config.option(real),
  Option.match({
    onNone: () => embedded,
    onSome: (connect) => Effect.succeed<DemoDatabase>({ connect, server: undefined })
  })
)
