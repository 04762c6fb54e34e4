/** Advanced Queuing in the engine, by a clock that the tests drive. */
import { assert, beforeEach, describe, it } from "vitest"
import type {
  DequeueRequest,
  EngineSession,
  OutgoingMessage,
  ReceivedMessage
} from "../../src/internal/engine/engine.ts"
import { fixedNow, type Harness, harness, settle, type Sql } from "./engineHarness.ts"

let h: Harness
let sql: Sql
let other: Sql
let now = fixedNow

/** Lets time pass, and those who wait for it look. */
const pass = async (seconds: number): Promise<void> => {
  now += seconds * 1000
  for (const sleeper of h.sleepers.splice(0)) sleeper.wake()
  await settle()
}

beforeEach(() => {
  now = fixedNow
  h = harness({ host: { now: () => now } })
  sql = h.open()
  other = h.open()
  return () => h.engine.close()
})

const create = (options = "", sort = ""): void => {
  sql.run(`begin
  dbms_aqadm.create_queue_table('qt', 'RAW'${sort === "" ? "" : `, sort_list => '${sort}'`});
  dbms_aqadm.create_queue('q', 'qt'${options === "" ? "" : `, ${options}`});
  dbms_aqadm.start_queue('q');
  dbms_aqadm.start_queue('aq$_qt_e', enqueue => false);
end;`)
}

const put = (session: EngineSession, text: string, options: Partial<OutgoingMessage> = {}): Uint8Array =>
  (session.enqueue({
    queue: "q",
    payloadType: "RAW",
    visibility: 2,
    messages: [{
      payload: Buffer.from(text),
      priority: 0,
      delay: 0,
      expiration: -1,
      correlation: null,
      exceptionQueue: null,
      recipients: 0,
      ...options
    }]
  }) as ReadonlyArray<Uint8Array>)[0]!

const ask = (session: EngineSession, options: Partial<DequeueRequest> = {}) =>
  session.dequeue({
    queue: "q",
    payloadType: "RAW",
    mode: 3,
    navigation: 3,
    visibility: 2,
    wait: 0,
    id: null,
    correlation: null,
    condition: null,
    consumer: null,
    count: 1,
    ...options
  })

const textsOf = (messages: ReadonlyArray<ReceivedMessage>): ReadonlyArray<string> =>
  messages.map(({ payload }) => Buffer.from(payload as Uint8Array).toString())

const get = (session: EngineSession, options: Partial<DequeueRequest> = {}): ReadonlyArray<string> =>
  textsOf(ask(session, options) as ReadonlyArray<ReceivedMessage>)

const errorOf = (work: () => unknown): string => {
  try {
    work()
    return "none"
  } catch (error) {
    return (error as Error).message.slice(0, 9)
  }
}

describe("a queue", () => {
  it("gives messages once they are committed, in their order", () => {
    create()
    put(sql.session, "a")
    put(sql.session, "b")
    assert.strictEqual(errorOf(() => ask(other.session)), "ORA-25228")
    sql.session.commit()
    assert.deepEqual(get(other.session), ["a"])
    assert.deepEqual(get(sql.session), ["b"], "what another session has is passed over")
    assert.strictEqual(errorOf(() => ask(sql.session)), "ORA-25228")
    other.session.rollback()
    assert.deepEqual(get(sql.session), ["a"])
    sql.session.commit()
    assert.deepEqual(sql.rows("select count(*) from qt"), [["0"]])
  })

  it("orders by priority before time when it is made so", () => {
    create("", "PRIORITY,ENQ_TIME")
    put(sql.session, "late", { priority: 9 })
    put(sql.session, "soon", { priority: 1 })
    put(sql.session, "soon too", { priority: 1 })
    put(sql.session, "first", { priority: -3 })
    sql.session.commit()
    assert.deepEqual(get(other.session, { count: 10 }), ["first", "soon", "soon too", "late"])
  })

  it("shows messages without taking them, one after the other", () => {
    create()
    for (const text of ["a", "b", "c"]) put(sql.session, text)
    sql.session.commit()
    assert.deepEqual(get(other.session, { mode: 1, count: 2 }), ["a", "b"])
    assert.deepEqual(get(other.session, { mode: 1 }), ["c"])
    assert.strictEqual(errorOf(() => ask(other.session, { mode: 1 })), "ORA-25228")
    assert.deepEqual(get(other.session, { mode: 1, navigation: 1 }), ["a"])
    assert.deepEqual(get(sql.session), ["a"])
    assert.deepEqual(get(other.session, { mode: 1, navigation: 1 }), ["a"], "it is not gone yet")
    sql.session.commit()
    assert.deepEqual(get(other.session, { mode: 1, navigation: 1 }), ["b"])
  })

  it("locks a message, which is then removed by its id", () => {
    create()
    const id = put(sql.session, "a")
    put(sql.session, "b")
    sql.session.commit()
    assert.deepEqual(get(other.session, { mode: 2 }), ["a"])
    assert.deepEqual(get(sql.session), ["b"])
    assert.deepEqual(get(other.session, { id, navigation: 1 }), ["a"])
    other.session.commit()
    assert.strictEqual(errorOf(() => ask(other.session, { id, navigation: 1 })), "ORA-25263")
  })

  it("finds by correlation, pattern and condition", () => {
    create()
    put(sql.session, "1", { correlation: "order.1", priority: 5 })
    put(sql.session, "2", { correlation: "bill_2" })
    put(sql.session, "3", { correlation: "order.3" })
    put(sql.session, "4")
    sql.session.commit()
    assert.deepEqual(get(other.session, { mode: 1, correlation: "order.%", count: 9 }), ["1", "3"])
    assert.strictEqual(errorOf(() => ask(other.session, { correlation: "bill%" })), "ORA-25241")
    assert.deepEqual(get(other.session, { navigation: 1, correlation: "bill__", count: 9 }), ["2"])
    assert.deepEqual(get(other.session, { navigation: 1, condition: "tab.priority > 3", count: 9 }), ["1"])
    assert.strictEqual(errorOf(() => ask(other.session, { navigation: 1, condition: "tab.nothing = 1" })), "ORA-00904")
  })

  it("commits by itself what is immediate", () => {
    create()
    sql.session.enqueue({
      queue: "q",
      payloadType: "RAW",
      visibility: 1,
      messages: [{
        payload: Buffer.from("now"),
        priority: 0,
        delay: 0,
        expiration: -1,
        correlation: null,
        exceptionQueue: null,
        recipients: 0
      }]
    })
    sql.session.rollback()
    assert.deepEqual(get(other.session, { visibility: 1 }), ["now"])
    assert.isFalse(other.session.inTransaction)
    other.session.rollback()
    assert.strictEqual(errorOf(() => ask(sql.session)), "ORA-25228")
  })

  it("wakes those who wait, one for each message", async () => {
    create()
    const first = Promise.resolve(ask(sql.session, { wait: 0xffffffff }))
    const third = h.open()
    const second = Promise.resolve(ask(third.session, { wait: 30 }))
    put(other.session, "x")
    await settle()
    other.session.commit()
    assert.deepEqual(textsOf(await first), ["x"])
    sql.session.rollback()
    assert.deepEqual(textsOf(await second), ["x"], "what was given back wakes as well")
  })

  it("ends a wait when its time is over, when it is broken, and when the queue is stopped", async () => {
    create()
    const codeOf = (work: unknown): Promise<string> =>
      Promise.resolve(work).then(() => "none", (error: Error) => error.message.slice(0, 9))
    const timed = codeOf(ask(sql.session, { wait: 5 }))
    await settle()
    await pass(4)
    put(other.session, "no")
    other.session.rollback()
    await settle()
    await pass(1)
    assert.strictEqual(await timed, "ORA-25228")
    const broken = codeOf(ask(sql.session, { wait: 5 }))
    await settle()
    sql.session.cancel()
    assert.strictEqual(await broken, "ORA-01013")
    assert.isFalse(sql.session.inTransaction)
    const stopped = codeOf(ask(sql.session, { wait: 0xffffffff }))
    await settle()
    other.run("begin dbms_aqadm.stop_queue('q'); end;")
    assert.strictEqual(await stopped, "ORA-25226")
  })
})

describe("time and messages", () => {
  it("holds a message back until its delay is over", async () => {
    create()
    const id = put(sql.session, "later", { delay: 10 })
    sql.session.commit()
    assert.deepEqual(sql.rows("select msg_state from aq$qt"), [["WAIT"]])
    assert.strictEqual(errorOf(() => ask(other.session)), "ORA-25228")
    assert.deepEqual(get(other.session, { id, navigation: 1 }), ["later"], "but not from one who knows its id")
    other.session.rollback()
    const waiting = Promise.resolve(ask(other.session, { wait: 60 }))
    await settle()
    await pass(10)
    assert.deepEqual(textsOf(await waiting), ["later"])
  })

  it("moves what expired into the exception queue, the one it names or its table's", async () => {
    create()
    sql.run(`begin
  dbms_aqadm.create_queue('failed', 'qt', queue_type => dbms_aqadm.exception_queue);
  dbms_aqadm.start_queue('failed', enqueue => false);
end;`)
    put(sql.session, "a", { expiration: 5 })
    put(sql.session, "b", { expiration: 5, delay: 5, exceptionQueue: "failed" })
    sql.session.commit()
    await pass(5)
    assert.deepEqual(sql.rows("select q_name, state from qt order by q_name"), [["AQ$_QT_E", "3"], ["Q", "0"]])
    await pass(5)
    assert.deepEqual(get(other.session, { queue: "failed" }), ["b"])
    assert.deepEqual(get(other.session, { queue: "aq$_qt_e" }), ["a"])
    assert.strictEqual(errorOf(() => ask(other.session)), "ORA-25228")
  })

  it("does not move a message into an exception queue that has another payload, or is none", async () => {
    create()
    sql.run(`begin
  dbms_aqadm.create_queue_table('jt', 'JSON');
  dbms_aqadm.create_queue('jfailed', 'jt', queue_type => dbms_aqadm.exception_queue);
end;`)
    for (const exceptionQueue of ["jfailed", "q", "none"]) put(sql.session, "a", { expiration: 5, exceptionQueue })
    sql.session.commit()
    await pass(5)
    assert.deepEqual(sql.rows("select q_name from qt"), [["AQ$_QT_E"], ["AQ$_QT_E"], ["AQ$_QT_E"]])
    assert.deepEqual(sql.rows("select count(*) from jt"), [["0"]])
  })

  it("keeps what was dequeued for as long as it is to be retained", async () => {
    create("retention_time => 60")
    put(sql.session, "a")
    sql.session.commit()
    assert.deepEqual(get(other.session), ["a"])
    other.session.commit()
    assert.deepEqual(sql.rows("select msg_state, deq_user_id from aq$qt"), [["PROCESSED", "HR"]])
    assert.strictEqual(errorOf(() => ask(other.session)), "ORA-25228")
    await pass(60)
    assert.deepEqual(sql.rows("select count(*) from qt"), [["0"]])
  })

  it("counts rollbacks, waits between them, and gives up in the exception queue", async () => {
    create("max_retries => 2, retry_delay => 30")
    put(sql.session, "a")
    sql.session.commit()
    for (let attempt = 0; attempt < 3; attempt++) {
      const [message] = ask(other.session) as ReadonlyArray<ReceivedMessage>
      assert.strictEqual(message!.attempts, attempt)
      other.session.rollback()
      assert.strictEqual(errorOf(() => ask(other.session)), "ORA-25228")
      await pass(30)
    }
    assert.deepEqual(sql.rows("select queue, msg_state, retry_count from aq$qt"), [["AQ$_QT_E", "EXPIRED", "3"]])
  })

  it("does not count the end of a session, nor a savepoint", () => {
    create()
    put(sql.session, "a")
    sql.session.commit()
    sql.run("savepoint before_it")
    assert.deepEqual(get(sql.session), ["a"])
    sql.run("rollback to savepoint before_it")
    assert.deepEqual(get(other.session), ["a"])
    other.session.close()
    sql.session.rollback()
    const [message] = ask(sql.session) as ReadonlyArray<ReceivedMessage>
    assert.strictEqual(message!.attempts, 0)
  })

  it("goes on in a snapshot", async () => {
    create()
    put(sql.session, "a", { delay: 10 })
    sql.session.commit()
    const snapshot = h.engine.snapshot()
    sql.run("begin dbms_aqadm.stop_queue('q'); dbms_aqadm.drop_queue('q'); dbms_aqadm.drop_queue_table('qt'); end;")
    assert.deepEqual(sql.rows("select count(*) from user_queues"), [["0"]])
    h.engine.restore(snapshot)
    await pass(10)
    assert.deepEqual(sql.rows("select msg_state from aq$qt"), [["READY"]])
    assert.deepEqual(get(sql.session), ["a"])
  })
})

describe("dbms_aqadm", () => {
  it("shows what it has made", () => {
    create("max_retries => 7, comment => 'orders'", "PRIORITY,ENQ_TIME")
    assert.deepEqual(
      sql.rows(
        "select name, queue_table, queue_type, max_retries, trim(dequeue_enabled), user_comment from user_queues order by 1"
      ),
      [
        ["AQ$_QT_E", "QT", "EXCEPTION_QUEUE", "0", "YES", "exception queue"],
        ["Q", "QT", "NORMAL_QUEUE", "7", "YES", "orders"]
      ]
    )
    assert.deepEqual(
      sql.rows("select queue_table, type, sort_order, recipients from user_queue_tables"),
      [["QT", "RAW", "PRIORITY, ENQUEUE_TIME", "SINGLE"]]
    )
    sql.run("begin dbms_aqadm.create_transactional_event_queue('events', queue_payload_type => 'JSON'); end;")
    assert.deepEqual(sql.rows("select sharded from all_queues where name = 'EVENTS'"), [["TRUE"]])
    sql.run("begin dbms_aqadm.drop_transactional_event_queue('events'); end;")
    assert.deepEqual(sql.rows("select count(*) from user_tables where table_name = 'EVENTS'"), [["0"]])
  })

  it("refuses what does not fit, by the errors of the manual", () => {
    create()
    const refused = (call: string): string => sql.error(`begin dbms_aqadm.${call}; end;`).slice(0, 9)
    assert.strictEqual(refused("create_queue_table('qt', 'RAW')"), "ORA-24001")
    assert.strictEqual(refused("create_queue_table('x', 'RAW', multiple_consumers => true)"), "ORA-03001")
    assert.strictEqual(refused("create_queue('q', 'qt')"), "ORA-24006")
    assert.strictEqual(refused("create_queue('q2', 'nope')"), "ORA-24002")
    assert.strictEqual(refused("start_queue('nope')"), "ORA-24010")
    assert.strictEqual(refused("start_queue('aq$_qt_e')"), "ORA-24008")
    assert.strictEqual(refused("drop_queue('q')"), "ORA-24011")
    assert.strictEqual(refused("drop_queue_table('qt')"), "ORA-24012")
    assert.strictEqual(refused("start_queue('a.b.c')"), "ORA-25200")
    assert.strictEqual(sql.error("drop table qt").slice(0, 9), "ORA-24005")
    assert.strictEqual(sql.error("alter table qt add (x number)").slice(0, 9), "ORA-24005")
    sql.run("begin dbms_aqadm.stop_queue('q', dequeue => false); end;")
    assert.strictEqual(errorOf(() => put(sql.session, "a")), "ORA-25207")
    assert.strictEqual(errorOf(() => ask(sql.session, { payloadType: "JSON" })), "ORA-25215")
    assert.strictEqual(errorOf(() => ask(sql.session, { consumer: "ME" })), "ORA-25256")
    assert.strictEqual(errorOf(() => ask(sql.session, { queue: "nope" })), "ORA-24010")
    sql.run("begin dbms_aqadm.start_queue('q'); end;")
    assert.strictEqual(errorOf(() => put(sql.session, "a", { delay: -1 })), "ORA-25203")
    assert.strictEqual(errorOf(() => put(sql.session, "a", { expiration: -2 })), "ORA-25209")
    assert.strictEqual(errorOf(() => put(sql.session, "a", { recipients: 1 })), "ORA-24039")
    assert.isFalse(sql.session.inTransaction)
  })
})

describe("dbms_aq", () => {
  it("enqueues and dequeues RAW messages", () => {
    create()
    sql.run(`declare
  o dbms_aq.enqueue_options_t; p dbms_aq.message_properties_t; id raw(16);
begin
  p.correlation := 'pl'; p.priority := 4;
  dbms_aq.enqueue('q', o, p, utl_raw.cast_to_raw('from PL/SQL'), id);
  commit;
end;`)
    sql.run("create table seen (what varchar2(200))")
    sql.run(`declare
  d dbms_aq.dequeue_options_t; p dbms_aq.message_properties_t; id raw(16); r raw(100);
begin
  d.wait := dbms_aq.no_wait; d.correlation := 'p%';
  dbms_aq.dequeue('q', d, p, r, id);
  insert into seen values (utl_raw.cast_to_varchar2(r) || ' ' || p.correlation || p.priority || p.attempts || ' ' ||
    length(rawtohex(id)));
  commit;
  dbms_aq.dequeue('q', d, p, r, id);
exception when others then insert into seen values (sqlcode);
end;`)
    assert.deepEqual(sql.rows("select what from seen"), [["from PL/SQL pl40 32"], ["-25228"]])
  })
})
