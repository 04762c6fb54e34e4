/** DBMS_AQADM: queue tables and queues for one consumer. Several consumers, propagation and transformations are not known. */
import {
  type Administration,
  alterQueue,
  createQueue,
  createQueueTable,
  dropQueue,
  dropQueueTable,
  startQueue,
  stopQueue
} from "../../queues/administration.ts"
import { findQueue } from "../../queues/names.ts"
import type { Step } from "../../storage/waiting.ts"
import { parseStatement } from "../../syntax/statementParser.ts"
import { unimplemented } from "../../values/oraError.ts"
import type { Caller, Native, SystemPackage } from "../native.ts"
import { type Arguments, integerOf, textOf, truthOf } from "./arguments.ts"

const administration = (caller: Caller): Administration => {
  const { core, executor } = caller.host
  return {
    catalog: core.catalog,
    keeper: core.queues,
    schema: caller.session.currentSchema,
    commit: () => executor.commit(),
    *run(sql): Step<void> {
      const { parsed } = parseStatement(sql)
      if (parsed.kind === "ddl") yield* executor.define(parsed.ddl)
      else yield* caller.host.runDynamic(sql, [], [])
    }
  }
}

const queueTypes = { normal: 0, exception: 1 } as const

const oneConsumer = (args: Arguments): void => {
  if (truthOf(args["multiple_consumers"])) throw unimplemented("queues for several consumers")
}

const createTable: Native = function*(caller, args): Step<void> {
  oneConsumer(args)
  if ((integerOf(args["message_grouping"]) ?? 0) !== 0) throw unimplemented("message groups of queues")
  if (truthOf(args["secure"])) throw unimplemented("secure queues")
  yield* createQueueTable(administration(caller), {
    name: textOf(args["queue_table"]),
    payload: textOf(args["queue_payload_type"]),
    sort: textOf(args["sort_list"]),
    comment: textOf(args["comment"]),
    isEventQueue: false
  })
}

const create: Native = (caller, args) => {
  const type = integerOf(args["queue_type"]) ?? queueTypes.normal
  if (type !== queueTypes.normal && type !== queueTypes.exception) throw unimplemented("queues that keep nothing")
  createQueue(administration(caller), {
    name: textOf(args["queue_name"]),
    table: textOf(args["queue_table"]),
    isException: type === queueTypes.exception,
    maxRetries: integerOf(args["max_retries"]),
    retryDelay: integerOf(args["retry_delay"]) ?? 0,
    retention: integerOf(args["retention_time"]) ?? 0,
    comment: textOf(args["comment"])
  })
}

/** A queue with a table of its own name. */
const createEventQueue: Native = function*(caller, args): Step<void> {
  oneConsumer(args)
  const admin = administration(caller)
  const name = textOf(args["queue_name"])
  yield* createQueueTable(admin, {
    name,
    payload: textOf(args["queue_payload_type"]),
    sort: null,
    comment: textOf(args["comment"]),
    isEventQueue: true
  })
  createQueue(admin, {
    name,
    table: name,
    isException: false,
    maxRetries: integerOf(args["max_retries"]),
    retryDelay: 0,
    retention: 0,
    comment: textOf(args["comment"])
  })
}

const dropEventQueue: Native = function*(caller, args): Step<void> {
  const admin = administration(caller)
  const name = textOf(args["queue_name"])
  const { queue } = findQueue(admin.catalog, name, admin.schema)
  if (truthOf(args["force"])) stopQueue(admin, name, true, true)
  yield* dropQueue(admin, name)
  yield* dropQueueTable(admin, `"${queue.table.split(".").join("\".\"")}"`, false)
}

const createExceptionQueue: Native = (caller, args) => {
  const admin = administration(caller)
  const { queue } = findQueue(admin.catalog, textOf(args["queue_name"]), admin.schema)
  createQueue(admin, {
    name: textOf(args["exception_queue_name"]),
    table: `"${queue.table.split(".").join("\".\"")}"`,
    isException: true,
    maxRetries: 0,
    retryDelay: 0,
    retention: 0,
    comment: null
  })
}

/** Every user may use every queue here: what counts is that the queue is there. */
const privilege: Native = (caller, args) => {
  findQueue(caller.host.core.catalog, textOf(args["queue_name"]), caller.session.currentSchema)
}

const eventQueue = (name: string): string =>
  `procedure ${name}(queue_name in varchar2, storage_clause in varchar2 default null,
    multiple_consumers in boolean default false, max_retries in number default null, comment in varchar2 default null,
    queue_payload_type in varchar2 default 'JMS', replication_mode in binary_integer default null);`

export const dbmsAqadm: SystemPackage = {
  spec: `package dbms_aqadm is
  normal_queue constant binary_integer := 0;
  exception_queue constant binary_integer := 1;
  non_persistent_queue constant binary_integer := 2;
  none constant binary_integer := 0;
  transactional constant binary_integer := 1;
  infinite constant binary_integer := -1;
  procedure create_queue_table(queue_table in varchar2, queue_payload_type in varchar2,
    storage_clause in varchar2 default null, sort_list in varchar2 default null,
    multiple_consumers in boolean default false, message_grouping in binary_integer default 0,
    comment in varchar2 default null, auto_commit in boolean default true, primary_instance in binary_integer default 0,
    secondary_instance in binary_integer default 0, compatible in varchar2 default null,
    secure in boolean default false);
  procedure drop_queue_table(queue_table in varchar2, force in boolean default false,
    auto_commit in boolean default true);
  procedure create_queue(queue_name in varchar2, queue_table in varchar2, queue_type in binary_integer default 0,
    max_retries in number default null, retry_delay in number default 0, retention_time in number default 0,
    dependency_tracking in boolean default false, comment in varchar2 default null,
    auto_commit in boolean default true);
  procedure alter_queue(queue_name in varchar2, max_retries in number default null, retry_delay in number default null,
    retention_time in number default null, auto_commit in boolean default true, comment in varchar2 default null);
  procedure start_queue(queue_name in varchar2, enqueue in boolean default true, dequeue in boolean default true);
  procedure stop_queue(queue_name in varchar2, enqueue in boolean default true, dequeue in boolean default true,
    wait in boolean default true);
  procedure drop_queue(queue_name in varchar2, auto_commit in boolean default true);
  ${eventQueue("create_transactional_event_queue")}
  ${eventQueue("create_sharded_queue")}
  procedure drop_transactional_event_queue(queue_name in varchar2, force in boolean default false);
  procedure drop_sharded_queue(queue_name in varchar2, force in boolean default false);
  procedure create_eq_exception_queue(queue_name in varchar2, exception_queue_name in varchar2);
  procedure grant_queue_privilege(privilege in varchar2, queue_name in varchar2, grantee in varchar2,
    grant_option in boolean default false);
  procedure revoke_queue_privilege(privilege in varchar2, queue_name in varchar2, grantee in varchar2);
end;`,
  natives: {
    CREATE_QUEUE_TABLE: createTable,
    DROP_QUEUE_TABLE: (caller, args) =>
      dropQueueTable(administration(caller), textOf(args["queue_table"]), truthOf(args["force"])),
    CREATE_QUEUE: create,
    ALTER_QUEUE: (caller, args) =>
      alterQueue(administration(caller), textOf(args["queue_name"]), {
        maxRetries: integerOf(args["max_retries"]),
        retryDelay: integerOf(args["retry_delay"]),
        retention: integerOf(args["retention_time"])
      }),
    START_QUEUE: (caller, args) =>
      startQueue(
        administration(caller),
        textOf(args["queue_name"]),
        truthOf(args["enqueue"]),
        truthOf(args["dequeue"])
      ),
    STOP_QUEUE: (caller, args) =>
      stopQueue(
        administration(caller),
        textOf(args["queue_name"]),
        truthOf(args["enqueue"]),
        truthOf(args["dequeue"])
      ),
    DROP_QUEUE: (caller, args) => dropQueue(administration(caller), textOf(args["queue_name"])),
    CREATE_TRANSACTIONAL_EVENT_QUEUE: createEventQueue,
    CREATE_SHARDED_QUEUE: createEventQueue,
    DROP_TRANSACTIONAL_EVENT_QUEUE: dropEventQueue,
    DROP_SHARDED_QUEUE: dropEventQueue,
    CREATE_EQ_EXCEPTION_QUEUE: createExceptionQueue,
    GRANT_QUEUE_PRIVILEGE: privilege,
    REVOKE_QUEUE_PRIVILEGE: privilege
  }
}
