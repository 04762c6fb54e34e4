/** DBMS_ALERT: telling other sessions of a commit. */
import type { Step } from "../../storage/waiting.ts"
import { oraError } from "../../values/oraError.ts"
import type { Caller, Native, SystemPackage } from "../native.ts"
import { type Arguments, doubleOf, number, textOf } from "./arguments.ts"

const exclusive = 6

const nameOf = (args: Arguments): string => {
  const name = textOf(args["name"])?.toUpperCase()
  if (name === undefined || name.length > 30) throw oraError(20000, "ORU-10021: lock request error; status: 3")
  return name
}

/** A second session that signals the same alert waits for the end of the first one's transaction. */
const signal: Native = function*(caller, args): Step<void> {
  const { alerts, locks, userLocks } = caller.host.core
  const { sid } = caller.session.info
  const { transaction } = caller.host.executor
  const name = nameOf(args)
  const message = textOf(args["message"])
  const lock = userLocks.idOf(`DBMS_ALERT.${name}`)
  for (;;) {
    const holder = userLocks.take(lock, sid, exclusive, transaction.sid)
    if (holder === 0) break
    yield locks.waitFor(transaction.sid, holder, undefined)
  }
  transaction.announce(() => alerts.deliver(name, message))
}

function* wait(caller: Caller, name: string | undefined, args: Arguments): Step<void> {
  const { alerts, host } = caller.host.core
  const { sid } = caller.session.info
  // What the session has signalled itself comes too.
  caller.host.executor.commit()
  const until = host.now() + (doubleOf(args["timeout"]) ?? 0) * 1000
  for (;;) {
    const alert = alerts.take(sid, name)
    if (alert !== undefined) {
      args["name"] = alert.name
      args["message"] = alert.message
      args["status"] = number(0)
      return
    }
    const left = until - host.now()
    if (left <= 0) {
      args["message"] = null
      args["status"] = number(1)
      return
    }
    yield (aborted) => alerts.wait(sid, aborted, (over) => host.sleep(left, over))
  }
}

export const dbmsAlert: SystemPackage = {
  spec: `package dbms_alert is
  maxwait constant integer := 86400000;
  procedure register(name in varchar2, cleanup in boolean default true);
  procedure remove(name in varchar2);
  procedure removeall;
  procedure set_defaults(sensitivity in number);
  procedure signal(name in varchar2, message in varchar2);
  procedure waitany(name out varchar2, message out varchar2, status out integer, timeout in number default maxwait);
  procedure waitone(name in varchar2, message out varchar2, status out integer, timeout in number default maxwait);
end;`,
  natives: {
    REGISTER: (caller, args) => caller.host.core.alerts.register(caller.session.info.sid, nameOf(args)),
    REMOVE: (caller, args) => caller.host.core.alerts.remove(caller.session.info.sid, nameOf(args)),
    REMOVEALL: (caller) => caller.host.core.alerts.remove(caller.session.info.sid, undefined),
    // How often the server looks for alerts: here they come by themselves.
    SET_DEFAULTS: () => undefined,
    SIGNAL: signal,
    WAITANY: (caller, args) => {
      if (!caller.host.core.alerts.isRegistered(caller.session.info.sid, undefined)) {
        throw oraError(20000, "ORU-10024: there are no alerts registered.")
      }
      return wait(caller, undefined, args)
    },
    WAITONE: (caller, args) => {
      const name = nameOf(args)
      if (!caller.host.core.alerts.isRegistered(caller.session.info.sid, name)) {
        throw oraError(20000, `ORU-10025: alert '${name}' is not registered`)
      }
      return wait(caller, name, args)
    }
  }
}
