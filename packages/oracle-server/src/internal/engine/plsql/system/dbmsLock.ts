/** DBMS_LOCK: locks that applications agree on, and a pause. */
import type { Step } from "../../storage/waiting.ts"
import type { Stored } from "../../values/composite.ts"
import type { NumberValue } from "../../values/oracleNumber.ts"
import { OraError, oraError } from "../../values/oraError.ts"
import type { Caller, Native, SystemPackage } from "../native.ts"
import { type Arguments, doubleOf, integerOf, number, sleepFor, textOf } from "./arguments.ts"

const success = number(0)
const timedOut = number(1)
const deadlock = number(2)
const badParameter = number(3)
/** A request for a lock that the session has; a release or a conversion of one that it has not. */
const ownership = number(4)
const badHandle = number(5)

/** As a timeout it means that there is none. */
const maxWait = 32_767
/** The largest number that applications may choose themselves. */
const maxId = 1_073_741_823
/** A handle begins with the digits of the lock's number. */
const digits = 10

/** The lock that the arguments name, or the status that says why there is none. */
const lockOf = (caller: Caller, args: Arguments): { readonly id: number } | { readonly status: NumberValue } => {
  if (args["lockhandle"] === undefined) {
    const id = integerOf(args["id"])
    return id === null || id < 0 || id > maxId ? { status: badParameter } : { id }
  }
  const handle = textOf(args["lockhandle"])
  const id = Number(handle?.slice(0, digits) ?? "")
  return caller.host.core.userLocks.isNamed(id) ? { id } : { status: badHandle }
}

/** Takes the lock, or gives the status that says why not. */
function* acquire(
  caller: Caller,
  id: number,
  mode: number,
  seconds: number,
  untilCommit: boolean
): Step<NumberValue> {
  const { host, locks, userLocks } = caller.host.core
  const { sid } = caller.session.info
  const { transaction } = caller.host.executor
  const until = host.now() + seconds * 1000
  for (;;) {
    const holder = userLocks.take(id, sid, mode, untilCommit ? transaction.sid : undefined)
    if (holder === 0) return success
    const left = seconds >= maxWait ? undefined : Math.max(0, (until - host.now()) / 1000)
    try {
      yield locks.waitFor(transaction.sid, holder, left)
    } catch (error) {
      if (!(error instanceof OraError)) throw error
      if (error.code === 60) return deadlock
      if (error.code === 54 || error.code === 30006) return timedOut
      throw error
    }
  }
}

/** The mode and the timeout, when they are good. */
const terms = (args: Arguments): { readonly mode: number; readonly seconds: number } | undefined => {
  const mode = integerOf(args["lockmode"])
  const seconds = integerOf(args["timeout"])
  return mode === null || mode < 1 || mode > 6 || seconds === null || seconds < 0 ? undefined : { mode, seconds }
}

const request: Native = function*(caller, args): Step<Stored> {
  const lock = lockOf(caller, args)
  if ("status" in lock) return lock.status
  const asked = terms(args)
  if (asked === undefined) return badParameter
  if (caller.host.core.userLocks.mode(lock.id, caller.session.info.sid) !== undefined) return ownership
  return yield* acquire(caller, lock.id, asked.mode, asked.seconds, args["release_on_commit"] === 1)
}

const convert: Native = function*(caller, args): Step<Stored> {
  const lock = lockOf(caller, args)
  if ("status" in lock) return lock.status
  const asked = terms(args)
  if (asked === undefined) return badParameter
  const { locks, userLocks } = caller.host.core
  const { sid } = caller.session.info
  const held = userLocks.mode(lock.id, sid)
  if (held === undefined) return ownership
  const outcome = yield* acquire(caller, lock.id, asked.mode, asked.seconds, false)
  // A weaker mode lets others in.
  if (outcome === success && asked.mode < held) locks.wake(sid)
  return outcome
}

const release: Native = (caller, args) => {
  const lock = lockOf(caller, args)
  if ("status" in lock) return lock.status
  const { locks, userLocks } = caller.host.core
  const { sid } = caller.session.info
  if (!userLocks.release(lock.id, sid)) return ownership
  locks.wake(sid)
  return success
}

const allocate = (caller: Caller, args: Arguments): void => {
  const name = textOf(args["lockname"])
  if (name === null || name.length > 128) throw oraError(20000, "ORU-10002: lockname cannot be null or too long")
  const id = caller.host.core.userLocks.idOf(name)
  args["lockhandle"] = `${id}${id}${String(id % 200).padStart(3, "0")}`
}

export const dbmsLock: SystemPackage = {
  spec: `package dbms_lock is
  nl_mode constant integer := 1;
  ss_mode constant integer := 2;
  sx_mode constant integer := 3;
  s_mode constant integer := 4;
  ssx_mode constant integer := 5;
  x_mode constant integer := 6;
  maxwait constant integer := 32767;
  procedure allocate_unique(lockname in varchar2, lockhandle out varchar2, expiration_secs in integer default 864000);
  procedure allocate_unique_autonomous(
    lockname in varchar2, lockhandle out varchar2, expiration_secs in integer default 864000);
  function request(id in integer, lockmode in integer default x_mode, timeout in integer default maxwait,
    release_on_commit in boolean default false) return integer;
  function request(lockhandle in varchar2, lockmode in integer default x_mode, timeout in integer default maxwait,
    release_on_commit in boolean default false) return integer;
  function convert(id in integer, lockmode in integer, timeout in number default maxwait) return integer;
  function convert(lockhandle in varchar2, lockmode in integer, timeout in number default maxwait) return integer;
  function release(id in integer) return integer;
  function release(lockhandle in varchar2) return integer;
  procedure sleep(seconds in number);
end;`,
  natives: {
    ALLOCATE_UNIQUE: (caller, args) => {
      allocate(caller, args)
      // It commits, as the manual says.
      caller.host.executor.commit()
    },
    ALLOCATE_UNIQUE_AUTONOMOUS: allocate,
    REQUEST: request,
    "REQUEST#2": request,
    CONVERT: convert,
    "CONVERT#2": convert,
    RELEASE: release,
    "RELEASE#2": release,
    SLEEP: (caller, args) => sleepFor(caller, doubleOf(args["seconds"]) ?? 0)
  }
}
