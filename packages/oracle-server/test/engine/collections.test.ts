import { afterAll, assert, beforeEach, describe, it } from "vitest"
import { type Harness, harness, plain, type Sql, typed } from "./engineHarness.ts"

const opened: Array<Harness> = []
let sql: Sql
beforeEach(() => {
  const h = harness()
  opened.push(h)
  sql = h.open()
  sql.run("create table t (id number primary key, name varchar2(20))")
  sql.run("insert into t select level, 'n' || level from dual connect by level <= 5")
})
afterAll(() => opened.forEach(({ engine }) => engine.close()))

const out = (text: string): unknown => plain(sql.run(text, typed("VARCHAR2", null)).outBinds![0]!.values[0])

const answers = (cases: ReadonlyArray<readonly [text: string, expected: string]>): void => {
  it.each(cases)("%s", (text, expected) => {
    assert.strictEqual(out(text), expected)
  })
}

describe("nested tables and varrays", () => {
  answers([
    [
      "declare type l is table of number; a l := l(1, 1, 2, null, 3, null); b l := l(1, null, 4); c l; begin c := a multiset except b; for i in 1 .. c.count loop :1 := :1 || nvl(to_char(c(i)), '-'); end loop; c := a multiset intersect distinct b; :1 := :1 || '/' || c.count; end;",
      "123-/2"
    ],
    [
      "declare type l is table of number; a l := l(1, 1, 2); begin if l(1, 1) submultiset of a and not l(2, 2) submultiset of a then :1 := 'counted'; end if; end;",
      "counted"
    ],
    [
      "declare type l is table of number; a l := l(1, 2, 3, 4); begin a.delete(1); a.delete(2); :1 := a.first; a(1) := 9; :1 := :1 || a.first; a.delete(1); a.trim(2); :1 := :1 || nvl(a.first, 0); a.extend; :1 := :1 || a.first; end;",
      "3103"
    ],
    ["declare type l is table of number; a l := l(1, 2, 3); begin :1 := a(2) + a.count; end;", "5"],
    [
      "declare type l is table of number; a l := l(); begin a.extend; a(1) := 7; a.extend(2); a.extend(2, 1); :1 := a.count || a(5) || a(2); end;",
      "57"
    ],
    [
      "declare type l is table of number; a l := l(1, 2, 3); begin a.delete(2); :1 := a.count || a.first || a.next(1) || a.prior(3) || a.last; end;",
      "21313"
    ],
    [
      "declare type l is table of number; a l := l(1, 2, 3); begin a.trim; a.trim(1); :1 := a.count || a.last; end;",
      "11"
    ],
    [
      "declare type l is table of number; a l := l(1, 2); begin a.delete; if a.exists(1) or a.first is not null then :1 := 'x'; else :1 := 'empty'; end if; end;",
      "empty"
    ],
    [
      "declare type l is varray(3) of varchar2(5); a l := l('a', 'b'); begin a.extend; a(3) := 'c'; :1 := a.limit || a.count || a(3); end;",
      "33c"
    ],
    ["declare type l is table of number; a l; begin if a is null then :1 := 'null'; end if; end;", "null"],
    ["declare type l is table of number; a l := l(1); b l; begin b := a; b(1) := 9; :1 := a(1) || b(1); end;", "19"],
    [
      "declare type l is table of number; type m is table of l; a m := m(l(1, 2), l(3)); begin a(2).extend; a(2)(2) := 4; a(1)(1) := 8; :1 := a(1)(1) || a(2)(2) || a(2).count; end;",
      "842"
    ],
    [
      "declare type l is table of varchar2(9); a l := l('x', 'y'); s varchar2(20); begin for i in 1 .. a.count loop s := s || a(i); end loop; :1 := s; end;",
      "xy"
    ],
    [
      "declare type l is table of number; a l := l(3, 1); b l := l(1, 3); begin if a = b then :1 := 'same'; end if; end;",
      "same"
    ],
    [
      "declare type l is table of number; a l := l(3, 1); begin if 1 member of a and 2 not member of a then :1 := 'yes'; end if; end;",
      "yes"
    ],
    [
      "declare type l is table of number; a l := l(1, 1, 2); b l := l(1, 3); c l; begin c := a multiset union b; :1 := c.count; c := a multiset except b; :1 := :1 || c.count; c := a multiset intersect b; :1 := :1 || c.count; c := a multiset union distinct b; :1 := :1 || c.count; end;",
      "5213"
    ],
    [
      "declare type l is table of number; a l := l(1, 1); begin if a is a set then :1 := 'set'; elsif a is empty then :1 := 'empty'; elsif l(1) submultiset of a then :1 := 'sub' || set(a).count || cardinality(a); end if; end;",
      "sub12"
    ]
  ])
  it.each([
    [
      "declare type l is table of number; a l; begin a(1) := 1; end;",
      "ORA-06531: Reference to uninitialized collection\nORA-06512: at line 1"
    ],
    [
      "declare type l is table of number; a l := l(1); begin a(2) := 1; end;",
      "ORA-06533: Subscript beyond count\nORA-06512: at line 1"
    ],
    [
      "declare type l is table of number; a l := l(1); begin a(0) := 1; end;",
      "ORA-06532: Subscript outside of limit\nORA-06512: at line 1"
    ],
    [
      "declare type l is varray(1) of number; a l := l(1); begin a.extend; end;",
      "ORA-06532: Subscript outside of limit\nORA-06512: at line 1"
    ],
    [
      "declare type l is table of number; a l := l(1); n number; begin a.delete(1); n := a(1); end;",
      "ORA-01403: no data found\nORA-06512: at line 1"
    ],
    [
      "declare type l is table of number(1); a l := l(1); begin a(1) := 10; end;",
      "ORA-06502: PL/SQL: value or conversion error: number precision too large\nORA-06512: at line 1"
    ]
  ])("%s fails", (text, message) => {
    assert.strictEqual(sql.error(text), message)
  })
  it("refuses a list of another type and a component that is not there", () => {
    assert.include(
      sql.error("declare type l is table of number; type k is table of number; a l := l(); b k; begin b := a; end;"),
      "PLS-00382: expression is of wrong type"
    )
    assert.include(
      sql.error("declare type l is table of number; a l := l(); n number; begin n := a.size; end;"),
      "PLS-00302: component 'SIZE' must be declared"
    )
  })
})

describe("index-by tables", () => {
  answers([
    [
      "declare type m is table of number index by pls_integer; a m; begin a(-5) := 1; a(7) := 2; a(0) := 3; :1 := a.first || a.next(-5) || a.last || a.count || a.prior(7); end;",
      "-50730"
    ],
    [
      "declare type m is table of number index by varchar2(10); a m; k varchar2(10); s varchar2(99); begin a('b') := 2; a('a') := 1; a('c') := 3; a.delete('b'); k := a.first; while k is not null loop s := s || k || a(k); k := a.next(k); end loop; :1 := s; end;",
      "a1c3"
    ],
    [
      "declare type m is table of number index by pls_integer; a m; begin for i in 1 .. 10 loop a(i) := i; end loop; a.delete(3, 5); :1 := a.count || a.next(2); end;",
      "76"
    ],
    [
      "declare type m is table of number index by pls_integer; a m; n number; begin n := a(1); exception when no_data_found then :1 := 'none'; end;",
      "none"
    ],
    [
      "declare type r is record (n number, s varchar2(5)); type m is table of r index by pls_integer; a m; begin a(3).n := 4; a(3).s := 'x'; :1 := a(3).n || a(3).s; end;",
      "4x"
    ],
    [
      "declare type m is table of number index by varchar2(5); type n is table of m index by pls_integer; a n; begin a(1)('x') := 4; a(1)('y') := 5; :1 := a(1).count || a(1)('y'); end;",
      "25"
    ],
    [
      "declare type m is table of t%rowtype index by pls_integer; a m; begin select * into a(9) from t where id = 2; :1 := a(9).name; end;",
      "n2"
    ]
  ])
})

describe("records", () => {
  answers([
    [
      "declare type r is record (a number default 5, b varchar2(9) := 'x' || 'y', c number); v r; begin :1 := v.a || v.b || nvl(v.c, 0); end;",
      "5xy0"
    ],
    [
      "declare type p is record (x number, y number); type r is record (at p, name varchar2(5)); v r; w r; begin v.at.x := 1; v.at.y := 2; w := v; w.at.x := 9; :1 := v.at.x || w.at.x || w.at.y; end;",
      "192"
    ],
    [
      "declare r t%rowtype; q t%rowtype; begin select * into r from t where id = 3; q := r; :1 := q.id || q.name; end;",
      "3n3"
    ],
    [
      "declare type r is record (id number, name varchar2(20)); v r; begin select id, name into v from t where id = 4; insert into t values v; exception when dup_val_on_index then :1 := v.name; end;",
      "n4"
    ],
    [
      "declare procedure p(r in out t%rowtype) is begin r.name := r.name || '!'; end; function f return t%rowtype is r t%rowtype; begin r.id := 8; r.name := 'eight'; return r; end; v t%rowtype; begin v := f(); p(v); :1 := v.name || f().id; end;",
      "eight!8"
    ],
    [
      "declare cursor c is select id i, name from t order by id; r c%rowtype; begin open c; fetch c into r; fetch c into r; close c; :1 := r.i || r.name; end;",
      "2n2"
    ],
    [
      "declare type r is record (a number, b number); v r := r(1, 2); w r := r(b => 5, a => 4); begin :1 := v.a || v.b || w.a || w.b; end;",
      "1245"
    ],
    [
      "declare r t%rowtype; begin r.id := 77; r.name := 'row'; insert into t values r; update t set name = r.name || 's' where id = r.id returning id, name into r; :1 := r.name; end;",
      "rows"
    ]
  ])
})

describe("bulk", () => {
  answers([
    [
      "declare type l is table of number; a l; begin select id bulk collect into a from t order by id; :1 := a.count || a(5) || sql%rowcount; end;",
      "555"
    ],
    [
      "declare type l is table of t%rowtype; a l; begin select * bulk collect into a from t where id > 3 order by id; :1 := a(1).name || a(2).id; end;",
      "n45"
    ],
    [
      "declare type l is table of number; type k is table of varchar2(9); a l; b k; begin select id, name bulk collect into a, b from t where id < 0; :1 := a.count || b.count; end;",
      "00"
    ],
    [
      "declare type l is table of number index by pls_integer; a l; cursor c is select id from t order by id; s varchar2(99); begin open c; loop fetch c bulk collect into a limit 2; s := s || a.count; exit when c%notfound; end loop; close c; :1 := s || c%rowcount; exception when invalid_cursor then :1 := s; end;",
      "221"
    ],
    [
      "declare type l is table of number; a l := l(1, 2, 9); begin forall i in 1 .. a.count update t set name = 'u' where id = a(i); :1 := sql%rowcount || sql%bulk_rowcount(1) || sql%bulk_rowcount(3); end;",
      "210"
    ],
    [
      "declare type l is table of number; a l := l(1, 2, 9); b l; begin forall i in a.first .. a.last delete from t where id <= a(i) returning id bulk collect into b; :1 := b.count || b(5); end;",
      "55"
    ],
    [
      "declare type l is table of number; a l := l(10, 1, 11, 2); begin forall i in 1 .. a.count save exceptions insert into t values (a(i), 'x'); exception when others then :1 := sqlcode || ' ' || sql%bulk_exceptions.count || ' ' || sql%bulk_exceptions(2).error_index || ' ' || sql%bulk_exceptions(2).error_code || ' ' || sql%rowcount; end;",
      "-24381 2 4 1 2"
    ],
    [
      "declare type l is table of number index by pls_integer; a l; begin a(3) := 31; a(8) := 32; forall i in indices of a insert into t values (a(i), i); select min(name) || max(name) into :1 from t where id > 30; end;",
      "38"
    ],
    [
      "declare type l is table of number index by pls_integer; a l; b l; begin a(1) := 41; a(2) := 42; a(3) := 43; b(1) := 3; b(2) := 1; forall i in values of b insert into t values (a(i), 'v'); :1 := sql%rowcount; end;",
      "2"
    ],
    [
      "declare type l is table of t%rowtype; a l; begin select id + 100, name bulk collect into a from t; forall i in 1 .. a.count insert into t values a(i); :1 := sql%rowcount; end;",
      "5"
    ],
    [
      "declare type l is table of number; a l := l(1, 2); b l; begin forall i in 1 .. 2 execute immediate 'update t set name = :x where id = :y' using 'dyn', a(i); execute immediate 'select id from t where name = :n order by id' bulk collect into b using 'dyn'; :1 := b.count || sql%rowcount; end;",
      "22"
    ],
    [
      "declare type l is table of number; b l; begin execute immediate 'update t set name = ''q'' where id > :x returning id into :y' using 3 returning bulk collect into b; :1 := b.count; end;",
      "2"
    ]
  ])
  it("stops at the first failing row and keeps those before it", () => {
    const text =
      "declare type l is table of number; a l := l(20, 1, 21); begin forall i in 1 .. 3 insert into t values (a(i), 'x'); exception when dup_val_on_index then null; end;"
    sql.run(text)
    assert.deepStrictEqual(sql.rows("select id from t where id >= 20"), [["20"]])
    assert.include(
      sql.error(
        "declare type l is table of number; a l := l(20); begin a.delete(1); a.extend; forall i in 1 .. 2 update t set name = 'x' where id = a(i); end;"
      ),
      "ORA-22160: element at index [1] does not exist"
    )
  })
})

describe("cursors", () => {
  answers([
    [
      "declare cursor c is select id from t order by id for update; begin for r in c loop if r.id = 3 then update t set name = 'here' where current of c; elsif r.id = 4 then delete from t where current of c; end if; end loop; select name || (select count(*) from t) into :1 from t where id = 3; end;",
      "here4"
    ],
    [
      "declare c sys_refcursor; d sys_refcursor; n number; begin open c for select id from t order by id; d := c; fetch d into n; fetch c into n; close d; if c%isopen then :1 := 'open'; else :1 := n; end if; end;",
      "2"
    ],
    [
      "declare function f(low number) return sys_refcursor is c sys_refcursor; begin open c for select id from t where id >= low order by id; return c; end; procedure p(c in sys_refcursor, n out number) is begin fetch c into n; end; c sys_refcursor; n number; m number; begin c := f(3); p(c, n); fetch c into m; :1 := n || m || c%rowcount; close c; end;",
      "342"
    ],
    [
      "declare type rc is ref cursor return t%rowtype; c rc; r t%rowtype; begin open c for select * from t where id = 5; fetch c into r; close c; :1 := r.name; end;",
      "n5"
    ],
    [
      "declare c sys_refcursor; r t%rowtype; begin open c for 'select * from t where id = :1' using 2; fetch c into r; close c; :1 := r.name; end;",
      "n2"
    ]
  ])
})

describe("short circuit", () => {
  answers([
    ["declare n number := 0; begin if n = 0 or 1 / n = 1 then :1 := 'ok'; end if; end;", "ok"],
    ["declare n number := 0; begin if n <> 0 and 1 / n = 1 then null; else :1 := 'ok'; end if; end;", "ok"],
    [
      "declare n number := 0; begin :1 := case when n = 0 then 'zero' when 1 / n > 0 then 'x' end || coalesce(1, 1 / n); end;",
      "zero1"
    ],
    ["declare n number := 0; begin case when n = 0 then :1 := 'z'; when 1 / n = 1 then null; end case; end;", "z"],
    [
      "declare function boom return boolean is begin raise program_error; end; begin if true or boom then :1 := 'ok'; end if; end;",
      "ok"
    ]
  ])
})
