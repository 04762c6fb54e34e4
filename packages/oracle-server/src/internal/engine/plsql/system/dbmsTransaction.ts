/** DBMS_TRANSACTION: transactions from within PL/SQL, sessionless ones among them. */
import { randomUUID } from "node:crypto"
import { sessionlessId } from "../../statements/branchWork.ts"
import { hex } from "../../storage/branches.ts"
import { localName } from "../../storage/locks.ts"
import type { Step } from "../../storage/waiting.ts"
import type { SessionStatement } from "../../syntax/astStatements.ts"
import { oraError } from "../../values/oraError.ts"
import type { Caller, Native, SystemPackage } from "../native.ts"
import { bytesOf, integerOf, number, textOf, truthOf } from "./arguments.ts"

const types = { local: 0, sessionless: 1, global: 2 } as const
const flags = { new: 1, resume: 4 } as const

/** As long as an id may be. */
const mostBytes = 64

const start: Native = function*(caller, args): Step<string> {
  const { branches } = caller.host.executor
  const type = integerOf(args["transaction_type"])
  const timeout = integerOf(args["timeout"]) ?? 60
  const flag = integerOf(args["flag"])
  if (type !== types.sessionless) throw oraError(26_215, "Only sessionless transactions can be started here.")
  if (flag !== flags.new && flag !== flags.resume) {
    throw oraError(
      26_213,
      "The flag to distinguish beginning or resuming a sessionless transaction is missing or incorrect."
    )
  }
  const given = bytesOf(args["xid"])
  if (given === null && flag === flags.resume) {
    throw oraError(26_218, "sessionless transaction with GTRID  does not exist.")
  }
  const global = given ?? Buffer.from(randomUUID())
  if (global.length > mostBytes) {
    throw oraError(26_212, "The identifier of a sessionless transaction has 1 to 64 bytes.")
  }
  if (timeout < (flag === flags.new ? 1 : 0)) throw oraError(26_204, "Invalid timeout of a sessionless transaction.")
  yield* branches.start({
    kind: "sessionless",
    id: sessionlessId(global),
    mode: flag === flags.new ? "new" : "resume",
    timeout,
    byStatement: true
  })
  return hex(global)
}

const statement = (caller: Caller, parsed: SessionStatement): Step<void> =>
  caller.host.executor.sessionStatement(parsed)

export const dbmsTransaction: SystemPackage = {
  spec: `package dbms_transaction is
  transaction_type_local constant pls_integer := ${types.local};
  transaction_type_sessionless constant pls_integer := ${types.sessionless};
  transaction_type_xa constant pls_integer := ${types.global};
  transaction_new constant pls_integer := ${flags.new};
  transaction_resume constant pls_integer := ${flags.resume};
  function start_transaction(xid in raw default null, transaction_type in pls_integer default ${types.local},
    timeout in pls_integer default 60, flag in pls_integer default 0) return varchar2;
  procedure suspend_transaction;
  function get_transaction_id return varchar2;
  function get_transaction_timeout return number;
  function get_transaction_type return pls_integer;
  function local_transaction_id(create_transaction in boolean default false) return varchar2;
  procedure commit;
  procedure rollback;
  procedure savepoint(savept in varchar2);
  procedure rollback_savepoint(savept in varchar2);
  procedure commit_force(xid in varchar2, scn in varchar2 default null);
  procedure rollback_force(xid in varchar2);
end;`,
  natives: {
    START_TRANSACTION: start,
    SUSPEND_TRANSACTION: ({ host }) => host.executor.branches.detach("sessionless", undefined, true),
    GET_TRANSACTION_ID: ({ host }) => {
      const { current } = host.executor.branches
      return current === undefined ? null : hex(current.id.global)
    },
    GET_TRANSACTION_TIMEOUT: ({ host }) => {
      const { current } = host.executor.branches
      return current === undefined ? null : number(current.timeout)
    },
    GET_TRANSACTION_TYPE: ({ host }) => {
      const { current } = host.executor.branches
      return current === undefined
        ? host.executor.transaction.active ? number(types.local) : null
        : number(types[current.kind])
    },
    LOCAL_TRANSACTION_ID: ({ host }, args) =>
      host.executor.transaction.active || truthOf(args["create_transaction"])
        ? localName(host.executor.transaction.sid)
        : null,
    COMMIT: (caller) => statement(caller, { kind: "commit" }),
    ROLLBACK: (caller) => statement(caller, { kind: "rollback", savepoint: undefined }),
    SAVEPOINT: (caller, args) =>
      statement(caller, { kind: "savepoint", name: textOf(args["savept"])?.toUpperCase() ?? "" }),
    ROLLBACK_SAVEPOINT: (caller, args) =>
      statement(caller, { kind: "rollback", savepoint: textOf(args["savept"])?.toUpperCase() ?? "" }),
    COMMIT_FORCE: (caller, args) =>
      statement(caller, { kind: "force", name: textOf(args["xid"]) ?? "", commits: true }),
    ROLLBACK_FORCE: (caller, args) =>
      statement(caller, { kind: "force", name: textOf(args["xid"]) ?? "", commits: false })
  }
}
