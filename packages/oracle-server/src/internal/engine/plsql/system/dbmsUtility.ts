/** DBMS_UTILITY: times, stacks, hashes, lists of names. */
import { performance } from "node:perf_hooks"
import { MapValue } from "../../values/composite.ts"
import { oraError } from "../../values/oraError.ts"
import { errorText } from "../exceptions.ts"
import type { Caller, SystemPackage } from "../native.ts"
import { type Arguments, integerOf, number, textOf } from "./arguments.ts"
import { resolve, tokenize } from "./nameResolution.ts"

/** Names of a list, as they stand there: blanks around them stay. */
const toTable = (_: Caller, args: Arguments): void => {
  const list = textOf(args["list"]) ?? ""
  const names = list.split(",")
  const name = /^\s*(?:"[^"]+"|[\p{L}][\p{L}\p{N}_$#.@]*)\s*$/u
  for (const one of names) if (!name.test(one)) throw oraError(20001, "comma-separated list invalid near " + one.trim())
  const table = args["tab"]
  if (table instanceof MapValue) names.forEach((one, index) => table.set(index + 1, one))
  args["tablen"] = number(names.length)
}

const fromTable = (_: Caller, args: Arguments): void => {
  const table = args["tab"]
  const names: Array<string> = []
  if (table instanceof MapValue) {
    for (let key = 1; table.exists(key); key++) names.push(String(table.get(key) ?? ""))
  }
  args["tablen"] = number(names.length)
  args["list"] = names.join(",")
}

const hash = (text: string): number => {
  let value = 0x811c9dc5
  for (const byte of Buffer.from(text)) value = Math.imul(value ^ byte, 0x01000193) >>> 0
  return value
}

export const dbmsUtility: SystemPackage = {
  spec: `package dbms_utility is
  type uncl_array is table of varchar2(227) index by binary_integer;
  type lname_array is table of varchar2(4000) index by binary_integer;
  function get_time return number;
  function get_cpu_time return number;
  function format_error_stack return varchar2;
  function format_error_backtrace return varchar2;
  function format_call_stack return varchar2;
  function get_hash_value(name in varchar2, base in number, hash_size in number) return number;
  procedure comma_to_table(list in varchar2, tablen out binary_integer, tab out uncl_array);
  procedure comma_to_table(list in varchar2, tablen out binary_integer, tab out lname_array);
  procedure table_to_comma(tab in uncl_array, tablen out binary_integer, list out varchar2);
  procedure table_to_comma(tab in lname_array, tablen out binary_integer, list out varchar2);
  procedure name_tokenize(name in varchar2, a out varchar2, b out varchar2, c out varchar2, dblink out varchar2,
    nextpos out binary_integer);
  procedure name_resolve(name in varchar2, context in number, schema out varchar2, part1 out varchar2,
    part2 out varchar2, dblink out varchar2, part1_type out number, object_number out number);
  procedure db_version(version out varchar2, compatibility out varchar2);
  function port_string return varchar2;
  function is_cluster_database return boolean;
  function current_instance return number;
  procedure compile_schema(schema in varchar2, compile_all in boolean default true, reuse_settings in boolean default false);
  procedure exec_ddl_statement(parse_string in varchar2);
end;`,
  natives: {
    GET_TIME: ({ host }) => number(Math.floor(host.core.host.now() / 10) % 2_147_483_648),
    GET_CPU_TIME: () => number(Math.floor(performance.now() / 10)),
    FORMAT_ERROR_STACK: (_m, _a, env) => env.handling === undefined ? null : errorText(env.handling),
    FORMAT_ERROR_BACKTRACE: (_m, _a, env) => {
      const lines = env.handling?.message.split("\n").filter((line) => line.startsWith("ORA-06512")) ?? []
      return lines.length === 0 ? null : lines.map((line) => `${line}\n`).join("")
    },
    FORMAT_CALL_STACK: (caller) => {
      const lines = caller.host.callers().map((name) => `0x0  ${name}`)
      return ["----- PL/SQL Call Stack -----", "  object      line  object", "  handle    number  name", ...lines, ""]
        .join("\n")
    },
    GET_HASH_VALUE: (_, args) => {
      const size = integerOf(args["hash_size"]) ?? 0
      if (size < 1) throw oraError(6502, "PL/SQL: value or conversion error")
      return number((integerOf(args["base"]) ?? 0) + hash(textOf(args["name"]) ?? "") % size)
    },
    COMMA_TO_TABLE: toTable,
    "COMMA_TO_TABLE#2": toTable,
    TABLE_TO_COMMA: fromTable,
    "TABLE_TO_COMMA#2": fromTable,
    NAME_TOKENIZE: tokenize,
    NAME_RESOLVE: resolve,
    DB_VERSION: ({ host }, args) => {
      const { version } = host.core.environment
      args["version"] = version
      args["compatibility"] = `${version.split(".")[0]}.0.0`
    },
    PORT_STRING: () => "x86_64/Linux 2.4.xx",
    IS_CLUSTER_DATABASE: () => 0,
    CURRENT_INSTANCE: () => number(1),
    COMPILE_SCHEMA: ({ host }, args) => {
      const schema = textOf(args["schema"]) ?? ""
      for (const unit of host.core.catalog.units()) {
        if (unit.owner !== schema || (args["compile_all"] === 0 && unit.valid)) continue
        unit.invalidate()
        host.units.compile(unit)
      }
    },
    *EXEC_DDL_STATEMENT({ host }, args) {
      const text = textOf(args["parse_string"]) ?? ""
      const { parsed } = host.executor.parse(text)
      if (parsed.kind === "ddl") yield* host.executor.define(parsed.ddl)
    }
  }
}
