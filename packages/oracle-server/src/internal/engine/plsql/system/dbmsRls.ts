/** DBMS_RLS: policies that limit the rows of a table or a view to those that a function's predicate lets through. */
import type { Table, View } from "../../catalog/catalog.ts"
import type { Policy, PolicyStatement } from "../../catalog/policies.ts"
import { oraError } from "../../values/oraError.ts"
import type { Caller, SystemPackage } from "../native.ts"
import { type Arguments, integerOf, textOf } from "./arguments.ts"

const upper = (value: string | null): string | undefined => value?.toUpperCase().replaceAll("\"", "")

const objectOf = (caller: Caller, args: Arguments): string =>
  `${upper(textOf(args["object_schema"])) ?? caller.session.currentSchema}.${upper(textOf(args["object_name"])) ?? ""}`

const policyOf = (caller: Caller, args: Arguments): Policy => {
  const policy = caller.host.core.policies.find(objectOf(caller, args), upper(textOf(args["policy_name"])) ?? "")
  if (policy === undefined) throw oraError(28102, "policy does not exist")
  return policy
}

const kinds: ReadonlyArray<PolicyStatement> = ["SELECT", "INSERT", "UPDATE", "DELETE"]

const types: ReadonlyArray<string | undefined> = [
  undefined,
  "STATIC",
  "SHARED_STATIC",
  "CONTEXT_SENSITIVE",
  "SHARED_CONTEXT_SENSITIVE",
  "DYNAMIC"
]

/** Names with commas or blanks between them. */
const relevantColumns = (object: Table | View, list: string | undefined): ReadonlySet<string> | undefined => {
  if (list === undefined) return undefined
  const known = object.kind === "table" ? object.columns : object.described
  const names = list.split(/[\s,]+/).filter((name) => name !== "")
  const missing = names.find((name) => !known.some((column) => column.name === name))
  if (missing !== undefined) throw oraError(904, `"${missing}": invalid identifier`)
  return new Set(names)
}

const addPolicy = (caller: Caller, args: Arguments): void => {
  const { core } = caller.host
  const object = objectOf(caller, args)
  const table = core.catalog.objects.get(object)
  if (table?.kind !== "table" && table?.kind !== "view") throw oraError(942, "table or view does not exist")
  const columns = relevantColumns(table, upper(textOf(args["sec_relevant_cols"])))
  const masks = integerOf(args["sec_relevant_cols_opt"]) === 1
  const words = (upper(textOf(args["statement_types"])) ?? kinds.join()).split(",")
  const statements = new Set(words.map((word) => word.trim()))
  const schema = upper(textOf(args["function_schema"])) ?? caller.session.currentSchema
  const policy: Policy = {
    name: upper(textOf(args["policy_name"])) ?? "",
    object,
    functionPath: [schema, ...(upper(textOf(args["policy_function"])) ?? "").split(".")],
    statements: new Set(kinds.filter((kind) => statements.has(kind))),
    updateCheck: args["update_check"] === 1,
    columns,
    masks,
    type: types[integerOf(args["policy_type"]) ?? (args["static_policy"] === 1 ? 1 : 5)] ?? "DYNAMIC",
    enabled: args["enable"] !== 0
  }
  if (!core.policies.add(policy)) throw oraError(28101, "policy already exists")
  caller.host.executor.commit()
  core.catalog.version++
}

export const dbmsRls: SystemPackage = {
  spec: `package dbms_rls is
  static constant binary_integer := 1;
  shared_static constant binary_integer := 2;
  context_sensitive constant binary_integer := 3;
  shared_context_sensitive constant binary_integer := 4;
  dynamic constant binary_integer := 5;
  all_rows constant binary_integer := 1;
  procedure add_policy(object_schema in varchar2 default null, object_name in varchar2, policy_name in varchar2,
    function_schema in varchar2 default null, policy_function in varchar2, statement_types in varchar2 default null,
    update_check in boolean default false, enable in boolean default true, static_policy in boolean default false,
    policy_type in binary_integer default null, long_predicate in boolean default false,
    sec_relevant_cols in varchar2 default null, sec_relevant_cols_opt in binary_integer default null);
  procedure drop_policy(object_schema in varchar2 default null, object_name in varchar2, policy_name in varchar2);
  procedure enable_policy(object_schema in varchar2 default null, object_name in varchar2, policy_name in varchar2,
    enable in boolean default true);
  procedure refresh_policy(object_schema in varchar2 default null, object_name in varchar2 default null,
    policy_name in varchar2 default null);
end;`,
  natives: {
    ADD_POLICY: addPolicy,
    DROP_POLICY: (caller, args) => {
      caller.host.core.policies.drop(policyOf(caller, args))
      caller.host.core.catalog.version++
    },
    ENABLE_POLICY: (caller, args) => {
      policyOf(caller, args).enabled = args["enable"] === 1
      caller.host.core.catalog.version++
    },
    // Predicates are asked for by each statement.
    REFRESH_POLICY: () => undefined
  }
}
