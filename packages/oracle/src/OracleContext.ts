/**
 * The context of a lease: whose work the session does, so that the database can tell.
 */
import * as Context from "effect/Context"

/**
 * Whose work a session does while it is lent, as the server sees it in `v$session`, in its samples of active sessions (ASH) and through
 * `sys_context`.
 *
 * **When to use**
 *
 * Provide it around the handling of a request: `clientIdentifier` and `attributes` say whose work is done, for views and policies that
 * show each tenant its own rows; `module` and `action` say what the program does, for the DBA who looks for the
 * origin of a load.
 *
 * **Details**
 *
 * It is read when a connection is acquired, sent along with the first call of the lease, and put back when the lease ends. Neither
 * costs a round trip. It is never part of a tag. A request may bring its own in `context`, field by field over that of the fiber.
 *
 * - `clientIdentifier`, `clientInfo`: `v$session.client_identifier` and `client_info`, up to 64 bytes. A longer one is a failure of the
 *   first call: two users must not become one by being cut.
 * - `operation`: the operation that the work belongs to in SQL monitoring (`dbop_name`).
 * - `module`: default the pool's `serviceName`, else its name. `action`: default the name of the span around the acquire.
 *   Both are cut to 64 bytes, between two characters; `false` switches either off.
 * - `ecid`: the execution context id that joins the traces of several systems, up to 64 bytes.
 * - `attributes`: what `sys_context('clientcontext', name)` gives. Names may be in any case and have up to 128 bytes, values up to
 *   4000; an empty value is none.
 *
 * **Gotchas**
 *
 * The database trusts the application here: whoever can run statements on the session can set all of this with
 * `dbms_session` and `dbms_application_info`. It separates the tenants of a program from each other. It does not
 * protect against the program, nor against SQL that somebody else was able to put into it.
 *
 * **Example** (Whose work a request is)
 *
 * ```ts
 * import { OracleContext, OracleSessionPool } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 *
 * const orders = Effect.gen(function*() {
 *   const pool = yield* OracleSessionPool
 *   return yield* pool.use((connection) => connection.query("select * from my_orders"))
 * }).pipe(
 *   Effect.withSpan("orders"),
 *   Effect.provideService(OracleContext, { clientIdentifier: "ada", attributes: { tenant: "acme" } })
 * )
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface OracleContext {
  readonly clientIdentifier?: string | undefined
  readonly clientInfo?: string | undefined
  readonly operation?: string | undefined
  readonly module?: string | false | undefined
  readonly action?: string | false | undefined
  readonly ecid?: string | undefined
  /** Of the namespace CLIENTCONTEXT. */
  readonly attributes?: { readonly [name: string]: string } | undefined
}

const empty: OracleContext = {}

/**
 * The context of the leases that the fiber acquires. Default: an empty one.
 *
 * **Example** (Whose work a request is)
 *
 * ```ts
 * import { OracleContext } from "@sessionpool/oracle"
 * import { Effect } from "effect"
 *
 * const asAda = Effect.provideService(OracleContext, { clientIdentifier: "ada", module: "orders", action: false })
 * ```
 */
export const OracleContext: Context.Reference<OracleContext> = Context.Reference("@sessionpool/oracle/OracleContext", {
  defaultValue: () => empty
})
