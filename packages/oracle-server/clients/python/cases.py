"""What python-oracledb in Thin mode does with the embedded server. Each case has its own connection."""

import array
import asyncio
import datetime
import decimal
import sys
import threading

import oracledb

DSN = sys.argv[1]
ONLY = sys.argv[2] if len(sys.argv) > 2 else None


def connect(password="tiger"):
    return oracledb.connect(user="scott", password=password, dsn=DSN)


def equal(expected, found):
    if expected != found:
        raise AssertionError(f"expected {expected!r}, found {found!r}")


def rows(connection, sql, binds=None):
    with connection.cursor() as cursor:
        return cursor.execute(sql, binds or []).fetchall()


def code(work):
    try:
        work()
        return 0
    except oracledb.Error as error:
        return error.args[0].code


def wrong_password(connection):
    equal(1017, code(lambda: connect("wrong").close()))


def query(connection):
    equal([("SCOTT", 1.5)], rows(connection, "select user, 1.5 from dual"))
    with connection.cursor() as cursor:
        cursor.arraysize = 7
        cursor.execute("select level from dual connect by level <= 100")
        equal(100, len(cursor.fetchall()))
    equal([], rows(connection, "select 1 from dual where 1 = 0"))


def types(connection):
    values = [
        ("varchar2(100)", "äöü €", None),
        ("nvarchar2(100)", "äöü €", oracledb.DB_TYPE_NVARCHAR),
        ("number", decimal.Decimal("-1234567890.125"), None),
        ("binary_double", 1.25, oracledb.DB_TYPE_BINARY_DOUBLE),
        ("binary_float", 0.5, oracledb.DB_TYPE_BINARY_FLOAT),
        ("raw(10)", b"\x00\x01\xff", None),
        ("date", datetime.datetime(2024, 2, 29, 13, 14, 15), None),
        ("timestamp", datetime.datetime(2024, 2, 29, 13, 14, 15, 123456), oracledb.DB_TYPE_TIMESTAMP),
        ("interval day to second", datetime.timedelta(days=1, seconds=2, microseconds=3), None),
        ("interval year to month", oracledb.IntervalYM(3, 4), None),
        ("boolean", True, None),
    ]
    for name, value, kind in values:
        with connection.cursor() as cursor:
            if kind is not None:
                cursor.setinputsizes(kind)
            found = cursor.execute(f"select cast(:1 as {name}) from dual", [value]).fetchone()[0]
            equal(value, type(value)(found) if isinstance(value, decimal.Decimal) else found)
            equal((None,), cursor.execute(f"select cast(:1 as {name}) from dual", [None]).fetchone())
    with connection.cursor() as cursor:
        cursor.setinputsizes(oracledb.DB_TYPE_JSON)
        equal(({"a": [1, "b", None]},), cursor.execute("select :1 from dual", [{"a": [1, "b", None]}]).fetchone())
        cursor.execute("create table py_vectors (v vector(3, float32))")
        cursor.execute("insert into py_vectors values (:1)", [array.array("f", [1, 2, 3])])
        equal([1.0, 2.0, 3.0], list(cursor.execute("select v from py_vectors").fetchone()[0]))
        equal(18, len(cursor.execute("select rowid from py_vectors").fetchone()[0]))


def long_binds(connection):
    with connection.cursor() as cursor:
        cursor.execute("create table py_long (id number, n nclob, c clob, b blob, last varchar2(10))")
        text = "ä" * 8192
        cursor.setinputsizes(None, oracledb.DB_TYPE_NVARCHAR, None, None, None)
        cursor.execute("insert into py_long values (:1, :2, :3, :4, :5)", [1, text, "c" * 50000, b"b" * 40000, "last"])
        row = cursor.execute("select n, c, b, last from py_long").fetchone()
        equal((text, "c" * 50000, b"b" * 40000, "last"), tuple(v.read() if hasattr(v, "read") else v for v in row))


def lobs(connection):
    temporary = connection.createlob(oracledb.DB_TYPE_CLOB)
    temporary.write("temporary")
    with connection.cursor() as cursor:
        cursor.execute("create table py_lobs (id number, c clob)")
        cursor.execute("insert into py_lobs values (1, :1)", [temporary])
        (lob,) = cursor.execute("select c from py_lobs where id = 1 for update").fetchone()
        equal("temporary", lob.read())
        lob.write(" and more", 10)
        equal("temporary and more", lob.read())
        lob.open()
        equal(True, lob.isopen())
        lob.close()
        lob.trim(4)
        equal("temp", lob.read())
    connection.commit()


def batches(connection):
    with connection.cursor() as cursor:
        cursor.execute("create table py_batch (id number primary key, name varchar2(20))")
        cursor.executemany("insert into py_batch values (:1, :2)", [(i, f"row {i}") for i in range(250)])
        equal(250, cursor.rowcount)
        data = [(1000, "a"), (1001, "b"), (1002, "c"), (5, "again"), (1003, "d")]
        try:
            cursor.executemany("insert into py_batch values (:1, :2)", data)
            raise AssertionError("no error")
        except oracledb.DatabaseError as error:
            equal((1, 3), (error.args[0].code, error.args[0].offset))
        equal(3, cursor.rowcount)
        data = [(2000, "a"), (5, "again"), (2001, "b")]
        cursor.executemany("insert into py_batch values (:1, :2)", data, batcherrors=True, arraydmlrowcounts=True)
        equal([(1, 1)], [(error.code, error.offset) for error in cursor.getbatcherrors()])
        equal([1, 0, 1], cursor.getarraydmlrowcounts())


def returning(connection):
    with connection.cursor() as cursor:
        cursor.execute("create table py_keys (id number generated always as identity, name varchar2(20))")
        key = cursor.var(int)
        for expected in (1, 2):
            cursor.execute("insert into py_keys (name) values (:1) returning id into :2", ["one", key])
            equal([expected], key.getvalue())


def procedures(connection):
    with connection.cursor() as cursor:
        number = cursor.var(int)
        text = cursor.var(str)
        for _ in range(3):
            cursor.execute("begin :1 := :2 * 2; :3 := :4 || '!'; end;", [number, 21, text, "hello"])
            equal((42, "hello!"), (number.getvalue(), text.getvalue()))
        ref = cursor.var(oracledb.DB_TYPE_CURSOR)
        cursor.execute("begin open :1 for select level n, to_clob('x') c from dual connect by level < 4; end;", [ref])
        equal([1, 2, 3], [row[0] for row in ref.getvalue().fetchall()])


def unopened(connection):
    with connection.cursor() as cursor:
        ref = cursor.var(oracledb.DB_TYPE_CURSOR)
        cursor.execute("begin if :1 is null then null; end if; end;", [ref])
        code(lambda: ref.getvalue().fetchall() if ref.getvalue() is not None else None)
    query(connection)


def implicit(connection):
    with connection.cursor() as cursor:
        cursor.execute(
            "declare c sys_refcursor; begin open c for select 7 from dual; dbms_sql.return_result(c); end;")
        equal([[(7,)]], [result.fetchall() for result in cursor.getimplicitresults()])


def scrolling(connection):
    with connection.cursor(scrollable=True) as cursor:
        cursor.arraysize = 3
        cursor.execute("select level from dual connect by level <= 20")
        equal((1,), cursor.fetchone())
        cursor.scroll(mode="last")
        equal((20,), cursor.fetchone())
        cursor.scroll(5, mode="absolute")
        equal((5,), cursor.fetchone())
        cursor.scroll(-2)
        equal((3,), cursor.fetchone())
        cursor.scroll(mode="first")
        equal((1,), cursor.fetchone())


def errors(connection):
    equal(942, code(lambda: rows(connection, "select * from nothing_here")))
    equal(1476, code(lambda: rows(connection, "select 1 / 0 from dual")))
    equal(20001, code(lambda: rows(connection, "begin raise_application_error(-20001, 'no'); end;")))
    query(connection)


def transactions(connection):
    with connection.cursor() as cursor:
        cursor.execute("create table py_work (id number)")
        cursor.execute("insert into py_work values (1)")
        connection.rollback()
        cursor.execute("insert into py_work values (2)")
        connection.commit()
    equal([(2,)], rows(connection, "select id from py_work"))


def queues(connection):
    def text(message):
        return message.payload.decode()

    with connection.cursor() as cursor:
        cursor.execute("""
            begin
                dbms_aqadm.create_queue_table('py_qt', 'RAW', sort_list => 'PRIORITY,ENQ_TIME');
                dbms_aqadm.create_queue('py_queue', 'py_qt');
                dbms_aqadm.start_queue('py_queue');
                dbms_aqadm.create_transactional_event_queue('py_json', queue_payload_type => 'JSON');
                dbms_aqadm.start_queue('py_json');
            end;""")
    queue = connection.queue("py_queue")
    queue.deqoptions.wait = oracledb.DEQ_NO_WAIT
    queue.enqone(connection.msgproperties(payload="hello", correlation="c", priority=2, expiration=60))
    queue.enqmany([connection.msgproperties(payload=text, priority=1) for text in ("a", "b")])
    connection.commit()
    equal(["a", "b"], [text(message) for message in queue.deqmany(2)])
    message = queue.deqone()
    equal(("hello", "c", 2, 60, 0), (text(message), message.correlation, message.priority, message.expiration, message.attempts))
    equal(None, queue.deqone())
    connection.rollback()
    equal(1, queue.deqone().attempts)
    documents = connection.queue("py_json", "JSON")
    documents.deqoptions.wait = oracledb.DEQ_NO_WAIT
    documents.enqmany([connection.msgproperties(payload=value) for value in ({"a": [1, None]}, [1, "x"])])
    equal([{"a": [1, None]}, [1, "x"]], [message.payload for message in documents.deqmany(5)])
    documents.deqoptions.wait = 1
    equal(None, documents.deqone())
    equal(24010, code(lambda: connection.queue("nope").deqone()))
    connection.commit()


def refused(connection):
    """What the server does not have is refused at once: nothing waits."""
    queue = connection.queue("Q")
    queue.enqoptions.deliverymode = oracledb.MSG_BUFFERED
    equal(3001, code(lambda: queue.enqone(connection.msgproperties(payload=b"x"))))
    query(connection)


def direct_path(connection):
    rows_ = [(number, "x" * number) for number in range(1, 301)]
    with connection.cursor() as cursor:
        cursor.execute("create table py_direct (id number, text varchar2(400))")
    connection.direct_path_load("SCOTT", "PY_DIRECT", ["ID", "TEXT"], rows_)
    equal([(300, 45150, 45150)], rows(connection, "select count(*), sum(id), sum(length(text)) from py_direct"))


def cancel(connection):
    with connection.cursor() as cursor:
        threading.Timer(0.2, connection.cancel).start()
        equal(1013, code(lambda: cursor.execute("begin dbms_session.sleep(30); end;")))
    query(connection)
    connection.call_timeout = 300
    try:
        rows(connection, "begin dbms_session.sleep(30); end;")
        raise AssertionError("no error")
    except oracledb.Error as error:
        equal("DPY-4024", error.args[0].full_code)
    connection.call_timeout = 0
    query(connection)


def cancel_idle(connection):
    connection.cancel()
    equal(1013, code(lambda: rows(connection, "select 1 from dual")))
    query(connection)


def pipeline(connection):
    pipeline = oracledb.create_pipeline()
    pipeline.add_fetchall("select 1 from dual")
    pipeline.add_fetchall("select * from nothing_here")
    pipeline.add_execute("begin null; end;")
    pipeline.add_fetchall("select 2 from dual")

    async def run():
        async with oracledb.connect_async(user="scott", password="tiger", dsn=DSN) as connection:
            return await connection.run_pipeline(pipeline, continue_on_error=True)

    results = asyncio.run(run())
    equal([[(1,)], None, None, [(2,)]], [result.rows for result in results])
    equal(942, results[1].error.code)


def pools(connection):
    pool = oracledb.create_pool(user="scott", password="tiger", dsn=DSN, min=1, max=3, increment=1)
    failures = []

    def work():
        try:
            for _ in range(20):
                with pool.acquire() as pooled:
                    equal([("SCOTT",)], rows(pooled, "select user from dual"))
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pool.close()
    equal([], failures)
    pooled = oracledb.create_pool(user="scott", password="tiger", dsn=DSN + ":pooled", min=1, max=2)
    for _ in range(3):
        with pooled.acquire() as one:
            equal([("SCOTT",)], rows(one, "select user from dual"))
    pooled.close()


def end_to_end(connection):
    connection.module = "cases"
    connection.clientinfo = "info"
    equal([("cases", "info")], rows(
        connection, "select sys_context('userenv', 'module'), sys_context('userenv', 'client_info') from dual"))
    connection.ping()


def password(connection):
    connection.changepassword("tiger", "tiger2")
    connect("tiger2").close()
    connection.changepassword("tiger2", "tiger")
    equal(988, code(lambda: connection.changepassword("tiger", "x" * 1025)))


def objects(connection):
    cursor = connection.cursor()
    for statement in [
        "create type py_address as object (street varchar2(40), zip number, since timestamp)",
        "create type py_addresses as table of py_address",
        "create type py_numbers as varray(9) of number",
        "create type py_person as object (name varchar2(40), home py_address, others py_addresses, luck py_numbers, key raw(4))",
        "create table py_people (id number, who py_person)",
        """create package py_shop as
             type line is record (item varchar2(9), place pls_integer, sold boolean);
             type lines is table of line index by pls_integer;
             type names is table of varchar2(20) index by pls_integer;
             procedure move(p in out py_person);
             procedure put(l in out line);
             function total(l lines) return number;
             procedure double(n in out names);
           end;""",
        """create package body py_shop as
             procedure move(p in out py_person) is begin
               p.home.zip := p.home.zip + 0.1;
               p.luck.extend;
               p.luck(p.luck.last) := 12345678901234567890;
             end;
             procedure put(l in out line) is begin l.place := -l.place; l.sold := not l.sold; end;
             function total(l lines) return number is n number := 0; i pls_integer := l.first; begin
               while i is not null loop n := n + i * l(i).place; i := l.next(i); end loop;
               return n;
             end;
             procedure double(n in out names) is begin for i in 1 .. n.count loop n(i) := n(i) || n(i); end loop; end;
           end;""",
    ]:
        cursor.execute(statement)
    person_type = connection.gettype("PY_PERSON")
    equal(["NAME", "HOME", "OTHERS", "LUCK", "KEY"], [each.name for each in person_type.attributes])
    address_type = connection.gettype("SCOTT.PY_ADDRESS")

    def address(street, zip):
        made = address_type.newobject()
        made.STREET, made.ZIP, made.SINCE = street, zip, datetime.datetime(2024, 2, 29, 13, 14, 15, 123456)
        return made

    person = person_type.newobject()
    person.NAME, person.HOME, person.KEY = "ada", address("High", 7), b"\x00\xff"
    person.OTHERS = connection.gettype("PY_ADDRESSES").newobject([address("Low", None), address(None, -1)])
    person.LUCK = connection.gettype("PY_NUMBERS").newobject([1, decimal.Decimal("-2.5")])
    cursor.execute("insert into py_people values (1, :1)", [person])
    cursor.execute("insert into py_people values (2, null)")
    cursor.execute("select who from py_people order by id")
    [(found,), (missing,)] = cursor.fetchall()
    equal(None, missing)
    equal(("ada", "High", 7, b"\x00\xff"), (found.NAME, found.HOME.STREET, found.HOME.ZIP, found.KEY))
    equal(datetime.datetime(2024, 2, 29, 13, 14, 15, 123456), found.HOME.SINCE)
    equal([("Low", None), (None, -1)], [(each.STREET, each.ZIP) for each in found.OTHERS.aslist()])
    equal([1, -2.5], found.LUCK.aslist())
    box = cursor.var(person_type)
    box.setvalue(0, person)
    cursor.callproc("py_shop.move", [box])
    equal(7.1, box.getvalue().HOME.ZIP)
    equal(12345678901234567890, box.getvalue().LUCK.aslist()[2])
    line_type = connection.gettype("PY_SHOP.LINE")
    line = line_type.newobject()
    line.ITEM, line.PLACE, line.SOLD = "nail", 3, False
    cursor.callproc("py_shop.put", [line])
    equal(("nail", -3, True), (line.ITEM, line.PLACE, line.SOLD))
    # The driver reads a PLS_INTEGER below 0, and cannot write one.
    line.PLACE = 3
    lines = connection.gettype("PY_SHOP.LINES").newobject()
    lines.setelement(5, line)
    lines.setelement(-2, line)
    equal(9, cursor.callfunc("py_shop.total", int, [lines]))
    names = cursor.arrayvar(str, ["a", "b"])
    cursor.callproc("py_shop.double", [names])
    equal(["aa", "bb"], names.getvalue())
    row = connection.gettype("PY_PEOPLE%ROWTYPE")
    equal(["ID", "WHO"], [each.name for each in row.attributes])
    equal([(3, 1)], rows(connection, "select count(*), min(abs(column_value)) from table(:1)", [person.LUCK]))
    for statement in ["drop package py_shop", "drop table py_people purge"]:
        cursor.execute(statement)
    for name in ["person", "addresses", "address", "numbers"]:
        cursor.execute(f"drop type py_{name}")


def sessionless(connection):
    cursor = connection.cursor()
    cursor.execute("create table py_sessionless (n number)")
    transaction = connection.begin_sessionless_transaction(timeout=30, defer_round_trip=True)
    cursor.execute("insert into py_sessionless values (1)")
    connection.suspend_sessionless_transaction()
    equal([], rows(connection, "select n from py_sessionless"))
    with connect() as other:
        other.resume_sessionless_transaction(transaction, timeout=5, defer_round_trip=True)
        other.cursor().executemany("insert into py_sessionless values (:1)", [(2,), (3,)], suspend_on_success=True)
        equal(26217, code(lambda: other.begin_sessionless_transaction(transaction)))
    connection.resume_sessionless_transaction(transaction)
    with connect() as other:
        equal(25351, code(lambda: other.resume_sessionless_transaction(transaction, timeout=0)))
        equal(26218, code(lambda: other.resume_sessionless_transaction(b"nowhere")))
    connection.commit()
    equal([(1,), (2,), (3,)], rows(connection, "select n from py_sessionless order by n"))
    cursor.execute("""
        declare id raw(64); begin id := dbms_transaction.start_transaction(:1,
        dbms_transaction.transaction_type_sessionless, 5, dbms_transaction.transaction_new); end;""", [b"by statement"])
    try:
        connection.suspend_sessionless_transaction()
        raise AssertionError("no error")
    except oracledb.Error as error:
        equal("DPY-3034", error.args[0].full_code)
    cursor.callproc("dbms_transaction.suspend_transaction")
    connection.resume_sessionless_transaction(b"by statement")
    connection.rollback()
    cursor.execute("drop table py_sessionless purge")


def two_phases(connection):
    cursor = connection.cursor()
    cursor.execute("create table py_tpc (n number)")
    ids = [connection.xid(7407, "python", branch) for branch in ["a", "b", "c"]]
    for n, xid in enumerate(ids):
        connection.tpc_begin(xid)
        cursor.execute("insert into py_tpc values (:1)", [n])
        connection.tpc_end(xid)
    connection.tpc_rollback(ids[0])
    equal(24756, code(lambda: connection.tpc_prepare(ids[0])))
    equal(True, connection.tpc_prepare(ids[1]))
    with connect() as other:
        found = other.tpc_recover()
        equal(1, len(found))
        equal(found, other.cursor().execute("select * from dba_pending_transactions").fetchall())
        other.tpc_commit(found[0])
        other.tpc_begin(ids[2], oracledb.TPC_BEGIN_RESUME)
        equal(24758, code(lambda: other.tpc_end(ids[1])))
        other.tpc_commit(ids[2], one_phase=True)
    equal([(1,), (2,)], rows(connection, "select n from py_tpc order by n"))
    connection.tpc_begin(ids[0])
    equal(False, connection.tpc_prepare())
    cursor.execute("insert into py_tpc values (9)")
    equal(24776, code(lambda: connection.tpc_begin(ids[0])))
    connection.tpc_begin(ids[0], oracledb.TPC_BEGIN_PROMOTE)
    equal(2089, code(lambda: cursor.execute("truncate table py_tpc")))
    connection.tpc_rollback()
    cursor.execute("drop table py_tpc purge")


CASES = {
    "log on with a wrong password": wrong_password,
    "query": query,
    "bind and read every type": types,
    "long texts and bytes": long_binds,
    "LOBs": lobs,
    "batches": batches,
    "returned values": returning,
    "PL/SQL and REF CURSORs": procedures,
    "a REF CURSOR that was never opened": unopened,
    "implicit results": implicit,
    "scrollable cursors": scrolling,
    "objects, collections and records": objects,
    "errors": errors,
    "transactions": transactions,
    "queues": queues,
    "refused features": refused,
    "sessionless transactions": sessionless,
    "two-phase commit": two_phases,
    "direct path load": direct_path,
    "cancel a call that runs": cancel,
    "cancel an idle connection": cancel_idle,
    "pipelines": pipeline,
    "pools": pools,
    "client info": end_to_end,
    "passwords": password,
}

for name, case in CASES.items():
    if ONLY is not None and ONLY not in name:
        continue
    try:
        with connect() as connection:
            case(connection)
        print(f"ok {name}", flush=True)
    except BaseException as error:
        print(f"failed {name}: {type(error).__name__} {str(error).splitlines()[0] if str(error) else ''}", flush=True)
        if ONLY is not None:
            raise
