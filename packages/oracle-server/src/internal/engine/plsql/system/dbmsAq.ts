/** DBMS_AQ: enqueuing and dequeuing of RAW messages from PL/SQL. Payloads of other types, LISTEN and notification are not known. */
import { dequeue } from "../../queues/dequeue.ts"
import { enqueue } from "../../queues/enqueue.ts"
import { neverExpires, waitForever } from "../../queues/message.ts"
import type { Step } from "../../storage/waiting.ts"
import { fromDateTime } from "../../values/calendar.ts"
import { RecordValue, type Stored } from "../../values/composite.ts"
import { unimplemented } from "../../values/oraError.ts"
import type { Native, SystemPackage } from "../native.ts"
import { type Arguments, bytesOf, integerOf, number, textOf } from "./arguments.ts"

const place = (record: RecordValue, field: string): number =>
  record.type.attributes.findIndex(({ name }) => name === field)

const read = (args: Arguments, record: string) => (field: string): Stored => {
  const value = args[record]
  if (!(value instanceof RecordValue)) return null
  return value.values[place(value, field)] ?? null
}

/** What the manual calls BUFFERED. */
const buffered = 2

const refuseOptions = (options: (field: string) => Stored): void => {
  if (options("TRANSFORMATION") !== null) throw unimplemented("transformations of messages")
  if (integerOf(options("DELIVERY_MODE")) === buffered) throw unimplemented("buffered messages")
}

const put: Native = function*(caller, args): Step<void> {
  const options = read(args, "enqueue_options")
  const properties = read(args, "message_properties")
  refuseOptions(options)
  const [id] = yield* enqueue(caller.host.executor.queues.work, {
    queue: textOf(args["queue_name"]) ?? "",
    payloadType: "RAW",
    visibility: integerOf(options("VISIBILITY")) ?? 0,
    messages: [{
      payload: bytesOf(args["payload"]),
      priority: integerOf(properties("PRIORITY")) ?? 1,
      delay: integerOf(properties("DELAY")) ?? 0,
      expiration: integerOf(properties("EXPIRATION")) ?? neverExpires,
      correlation: textOf(properties("CORRELATION")),
      exceptionQueue: textOf(properties("EXCEPTION_QUEUE")),
      recipients: 0
    }]
  })
  args["msgid"] = id!
}

const get: Native = function*(caller, args): Step<void> {
  const options = read(args, "dequeue_options")
  refuseOptions(options)
  const wait = integerOf(options("WAIT")) ?? 0
  const [message] = yield* dequeue(caller.host.executor.queues.work, {
    queue: textOf(args["queue_name"]) ?? "",
    payloadType: "RAW",
    mode: integerOf(options("DEQUEUE_MODE")) ?? 0,
    navigation: integerOf(options("NAVIGATION")) ?? 0,
    visibility: integerOf(options("VISIBILITY")) ?? 0,
    wait: wait === -1 ? waitForever : wait,
    id: bytesOf(options("MSGID")),
    correlation: textOf(options("CORRELATION")),
    condition: textOf(options("DEQ_CONDITION")),
    consumer: textOf(options("CONSUMER_NAME")),
    count: 1
  })
  const { attempts, correlation, delay, enqueuedAt, exceptionQueue, expiration, id, payload, priority, state } =
    message!
  const properties = args["message_properties"]
  if (properties instanceof RecordValue) {
    const values: Readonly<Record<string, Stored>> = {
      PRIORITY: number(priority),
      DELAY: number(delay),
      EXPIRATION: number(expiration),
      CORRELATION: correlation,
      ATTEMPTS: number(attempts),
      EXCEPTION_QUEUE: exceptionQueue,
      ENQUEUE_TIME: enqueuedAt === null ? null : fromDateTime(enqueuedAt).seconds,
      STATE: number(state)
    }
    for (const [name, value] of Object.entries(values)) properties.values[place(properties, name)] = value
  }
  args["payload"] = payload === undefined ? null : payload as Uint8Array | null
  args["msgid"] = id
}

export const dbmsAq: SystemPackage = {
  spec: `package dbms_aq is
  immediate constant binary_integer := 1;
  on_commit constant binary_integer := 2;
  browse constant binary_integer := 1;
  locked constant binary_integer := 2;
  remove constant binary_integer := 3;
  remove_nodata constant binary_integer := 4;
  first_message constant binary_integer := 1;
  next_transaction constant binary_integer := 2;
  next_message constant binary_integer := 3;
  no_wait constant binary_integer := 0;
  forever constant binary_integer := -1;
  no_delay constant binary_integer := 0;
  never constant binary_integer := -1;
  ready constant binary_integer := 0;
  waiting constant binary_integer := 1;
  processed constant binary_integer := 2;
  expired constant binary_integer := 3;
  persistent constant binary_integer := 1;
  buffered constant binary_integer := 2;
  persistent_or_buffered constant binary_integer := 3;
  type enqueue_options_t is record (visibility binary_integer := 2, transformation varchar2(61),
    delivery_mode binary_integer := 1);
  type dequeue_options_t is record (consumer_name varchar2(128), dequeue_mode binary_integer := 3,
    navigation binary_integer := 3, visibility binary_integer := 2, wait binary_integer := -1, msgid raw(16),
    correlation varchar2(128), deq_condition varchar2(4000), transformation varchar2(61),
    delivery_mode binary_integer := 1);
  type message_properties_t is record (priority binary_integer := 1, delay binary_integer := 0,
    expiration binary_integer := -1, correlation varchar2(128), attempts binary_integer,
    exception_queue varchar2(257), enqueue_time date, state binary_integer, original_msgid raw(16));
  procedure enqueue(queue_name in varchar2, enqueue_options in enqueue_options_t,
    message_properties in message_properties_t, payload in raw, msgid out raw);
  procedure dequeue(queue_name in varchar2, dequeue_options in dequeue_options_t,
    message_properties out message_properties_t, payload out raw, msgid out raw);
  procedure listen(agent_list in varchar2, wait in binary_integer default -1, agent out varchar2);
end;`,
  natives: {
    ENQUEUE: put,
    DEQUEUE: get,
    LISTEN: () => {
      throw unimplemented("DBMS_AQ.LISTEN")
    }
  }
}
