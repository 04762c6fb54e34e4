/** DBMS_MVIEW: refreshes materialized views, several in one transaction each. */
import { oraError } from "../../values/oraError.ts"
import type { SystemPackage } from "../native.ts"
import { textOf } from "./arguments.ts"

export const dbmsMview: SystemPackage = {
  spec: `package dbms_mview is
  procedure refresh(
    list in varchar2, method in varchar2 := null, rollback_seg in varchar2 := null,
    push_deferred_rpc in boolean := true, refresh_after_errors in boolean := false, purge_option in binary_integer := 1,
    parallelism in binary_integer := 0, heap_size in binary_integer := 0, atomic_refresh in boolean := true,
    nested in boolean := false, out_of_place in boolean := false);
end;`,
  natives: {
    *REFRESH({ host }, args) {
      const names = (textOf(args["list"]) ?? "").split(",").map((name) => name.trim()).filter((name) => name !== "")
      if (names.length === 0) throw oraError(23350, "maximum number of recursive calls exceeded")
      const methods = (textOf(args["method"]) ?? "").toUpperCase()
      for (const [i, name] of names.entries()) {
        const path = name.split(".").map((part) => part.startsWith("\"") ? part.slice(1, -1) : part.toUpperCase())
        yield* host.executor.define({ kind: "refreshMview", path, method: methods[i] ?? "?", at: 0 })
      }
    }
  }
}
