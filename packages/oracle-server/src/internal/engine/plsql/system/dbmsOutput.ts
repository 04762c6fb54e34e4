/** DBMS_OUTPUT: lines that a session keeps until its client takes them. */
import { MapValue } from "../../values/composite.ts"
import type { Caller, SystemPackage } from "../native.ts"
import { type Arguments, integerOf, number, textOf } from "./arguments.ts"

const take = (caller: Caller, args: Arguments): void => {
  const lines = args["lines"]
  const wanted = integerOf(args["numlines"]) ?? 0
  let count = 0
  while (count < wanted) {
    const line = caller.host.takeLine()
    if (line === undefined) break
    count++
    if (lines instanceof MapValue) lines.set(count, line === "" ? null : line)
  }
  args["numlines"] = number(count)
}

export const dbmsOutput: SystemPackage = {
  spec: `package dbms_output is
  type chararr is table of varchar2(32767) index by binary_integer;
  procedure enable(buffer_size in integer default 20000);
  procedure disable;
  procedure put(a in varchar2);
  procedure put_line(a in varchar2);
  procedure new_line;
  procedure get_line(line out varchar2, status out integer);
  procedure get_lines(lines out chararr, numlines in out integer);
end;`,
  natives: {
    ENABLE: ({ host }) => {
      host.outputEnabled = true
    },
    DISABLE: ({ host }) => host.disable(),
    PUT: ({ host }, args) => host.put(textOf(args["a"]) ?? ""),
    PUT_LINE: ({ host }, args) => {
      host.put(textOf(args["a"]) ?? "")
      host.newLine()
    },
    NEW_LINE: ({ host }) => host.newLine(),
    GET_LINE: ({ host }, args) => {
      const line = host.takeLine()
      args["line"] = line === undefined || line === "" ? null : line
      args["status"] = number(line === undefined ? 1 : 0)
    },
    GET_LINES: take
  }
}
