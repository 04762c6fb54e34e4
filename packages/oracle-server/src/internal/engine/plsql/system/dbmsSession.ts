/** DBMS_SESSION: settings of the session, its contexts, and a pause. */
import { oraError } from "../../values/oraError.ts"
import type { Caller, SystemPackage } from "../native.ts"
import { type Arguments, doubleOf, sleepFor, textOf } from "./arguments.ts"

const upper = (value: string | null): string => (value ?? "").toUpperCase()

/** Only the package that CREATE CONTEXT names may set it; CLIENTCONTEXT belongs to the client. */
const trusted = (caller: Caller, namespace: string): void => {
  const context = caller.host.core.contexts.get(namespace)
  if (context === undefined) {
    if (namespace === "CLIENTCONTEXT") return
    throw oraError(1031, "insufficient privileges")
  }
  for (const unit of caller.host.callers()) if (unit === context.using) return
  throw oraError(1031, "insufficient privileges")
}

const setContext = (caller: Caller, args: Arguments): void => {
  const namespace = upper(textOf(args["namespace"]))
  const attribute = upper(textOf(args["attribute"]))
  const value = textOf(args["value"])
  trusted(caller, namespace)
  const context = caller.host.core.contexts.get(namespace)
  const name = `${namespace}.${attribute}`
  if (context?.global !== true) {
    if (value === null) caller.session.contexts.delete(name)
    else caller.session.contexts.set(name, value)
    return
  }
  const { globalContexts } = caller.session
  const [user, clientId] = [textOf(args["username"]), textOf(args["client_id"])]
  const others = (globalContexts.get(name) ?? []).filter((entry) => entry.user !== user || entry.clientId !== clientId)
  globalContexts.set(name, value === null ? others : [...others, { user, clientId, value }])
}

const clearContext = (caller: Caller, args: Arguments): void => {
  const namespace = upper(textOf(args["namespace"]))
  const attribute = textOf(args["attribute"])
  const clientId = textOf(args["client_id"])
  trusted(caller, namespace)
  const concerns = (name: string): boolean =>
    name.startsWith(`${namespace}.`) && (attribute === null || name === `${namespace}.${attribute.toUpperCase()}`)
  const { contexts, globalContexts } = caller.session
  for (const name of contexts.keys()) if (concerns(name)) contexts.delete(name)
  for (const [name, entries] of globalContexts) {
    if (concerns(name)) {
      globalContexts.set(name, entries.filter((entry) => clientId !== null && entry.clientId !== clientId))
    }
  }
}

export const dbmsSession: SystemPackage = {
  spec: `package dbms_session is
  free_all_resources constant pls_integer := 1;
  reinitialize constant pls_integer := 2;
  procedure set_identifier(client_id in varchar2);
  procedure clear_identifier;
  procedure set_context(namespace in varchar2, attribute in varchar2, value in varchar2,
    username in varchar2 default null, client_id in varchar2 default null);
  procedure clear_context(namespace in varchar2, client_id in varchar2 default null, attribute in varchar2 default null);
  procedure clear_all_context(namespace in varchar2);
  procedure set_nls(param in varchar2, value in varchar2);
  procedure sleep(seconds in number);
  procedure reset_package;
  procedure modify_package_state(action_flags in pls_integer);
  function unique_session_id return varchar2;
  function is_session_alive(uniqueid in varchar2) return boolean;
end;`,
  natives: {
    SET_IDENTIFIER: ({ session }, args) => session.setEndToEnd({ clientId: textOf(args["client_id"]) }),
    CLEAR_IDENTIFIER: ({ session }) => session.setEndToEnd({ clientId: null }),
    SET_CONTEXT: setContext,
    CLEAR_CONTEXT: clearContext,
    CLEAR_ALL_CONTEXT: (caller, args) => {
      args["attribute"] = null
      args["client_id"] = null
      clearContext(caller, args)
    },
    SET_NLS: ({ session }, args) => {
      session.nls.set(upper(textOf(args["param"])), (textOf(args["value"]) ?? "").replace(/^'(.*)'$/, "$1"))
    },
    SLEEP: (caller, args) => sleepFor(caller, doubleOf(args["seconds"]) ?? 0),
    RESET_PACKAGE: ({ host }) => {
      host.disable()
      host.units.forget()
    },
    MODIFY_PACKAGE_STATE: ({ host }) => {
      host.disable()
      host.units.forget()
    },
    UNIQUE_SESSION_ID: ({ session: { info } }) => uniqueId(info),
    IS_SESSION_ALIVE: ({ host }, args) =>
      [...host.core.sessions.values()].some(({ state }) => uniqueId(state.info) === args["uniqueid"]) ? 1 : 0
  }
}

const uniqueId = ({ serial, sid }: { readonly sid: number; readonly serial: number }): string =>
  `${sid.toString(16).padStart(4, "0")}${serial.toString(16).padStart(4, "0")}0001`.toUpperCase()
