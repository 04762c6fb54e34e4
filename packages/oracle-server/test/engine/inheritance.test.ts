/** Object types under others: what they inherit and override, objects of subtypes in columns, TREAT and IS OF. */
import { afterAll, assert, beforeEach, describe, it } from "vitest"
import { type Harness, harness, plain, type Sql, typed } from "./engineHarness.ts"

const opened: Array<Harness> = []
let sql: Sql
beforeEach(() => {
  const h = harness()
  opened.push(h)
  sql = h.open()
  sql.run(
    "create type person as object (id number, name varchar2(20), member function kind return varchar2, member function show return varchar2, static function make(n varchar2) return person, member procedure rename(n varchar2)) not final"
  )
  sql.run(`create type body person as
member function kind return varchar2 is begin return 'person'; end;
member function show return varchar2 is begin return kind() || ' ' || name; end;
static function make(n varchar2) return person is begin return person(0, n); end;
member procedure rename(n varchar2) is begin name := n; end;
end;`)
  sql.run(
    "create type student under person (school varchar2(20), overriding member function kind return varchar2, constructor function student(n varchar2) return self as result, overriding member procedure rename(n varchar2)) not final"
  )
  sql.run(`create type body student as
overriding member function kind return varchar2 is begin return 'student of ' || school; end;
constructor function student(n varchar2) return self as result is begin name := n; school := 'none'; return; end;
overriding member procedure rename(n varchar2) is begin (self as person).rename(n || '!'); end;
end;`)
  sql.run(
    "create type phd under student (topic varchar2(20), overriding member function show return varchar2)"
  )
  sql.run(
    "create type body phd as overriding member function show return varchar2 is begin return 'Dr. ' || (self as student).show() || '/' || (self as person).kind; end; end;"
  )
})
afterAll(() => opened.forEach(({ engine }) => engine.close()))

const out = (text: string): unknown => plain(sql.run(text, typed("VARCHAR2", null)).outBinds![0]!.values[0])

describe("methods of subtypes", () => {
  it.each([
    ["declare p person := student(1, 'Ann', 'MIT'); begin :1 := p.show; end;", "student of MIT Ann"],
    ["declare p person := person(1, 'Ann'); begin :1 := p.show(); end;", "person Ann"],
    ["declare s student := student('Bo'); begin :1 := s.show || s.id; end;", "student of none Bo"],
    ["begin :1 := phd(1, 'Cy', 'ETH', 'sets').show; end;", "Dr. student of ETH Cy/person"],
    ["declare p person := student('Di'); begin p.rename('Ed'); :1 := p.name; end;", "Ed!"],
    [
      "declare p person := student('Di'); begin (p as person).rename('Ed'); :1 := p.name || p.kind; end;",
      "Edstudent of none"
    ],
    [
      "declare p person := student('Di'); begin treat(p as student).school := 'X'; :1 := p.show; end;",
      "student of X Di"
    ],
    ["begin :1 := student.make('Fay').show; end;", "person Fay"],
    [
      "declare s student := student(id => 3, name => 'G', school => 'S'); p person; begin p := s; s.name := 'H'; :1 := p.name || s.name; end;",
      "GH"
    ],
    [
      "declare function f(p person) return varchar2 is begin return p.show; end; begin :1 := f(phd(1, 'I', 'J', 'K')); end;",
      "Dr. student of J I/person"
    ],
    [
      "declare function f(p person) return varchar2 is begin return 'p'; end; function f(p student) return varchar2 is begin return 's'; end; begin :1 := f(person(1, 'a')) || f(student('b')); end;",
      "ps"
    ],
    ["declare p person; begin :1 := p.kind; exception when self_is_null then :1 := sqlcode; end;", "-30625"]
  ])("%s", (text, expected) => {
    assert.strictEqual(out(text), expected)
  })

  it("tell overloads apart by their types", () => {
    sql.run(
      "create type amount as object (v varchar2(20), constructor function amount(n number) return self as result, constructor function amount(d date) return self as result, member function plus(n number) return varchar2, member function plus(t varchar2) return varchar2)"
    )
    sql.run(`create type body amount as
constructor function amount(n number) return self as result is begin v := 'n' || n; return; end;
constructor function amount(d date) return self as result is begin v := 'd' || to_char(d, 'YYYY'); return; end;
member function plus(n number) return varchar2 is begin return v || '+' || (n + 1); end;
member function plus(t varchar2) return varchar2 is begin return v || '&' || t; end;
end;`)
    assert.strictEqual(
      out("begin :1 := amount(1).v || amount(date '2020-01-01').v || amount(2).plus(1) || amount(2).plus('x'); end;"),
      "n1d2020n2+2n2&x"
    )
  })

  it("have parameters of every direction, and call each other without SELF", () => {
    sql.run(
      "create type account as object (total number, member procedure add(n number, now out number), member procedure twice(n in out number), member function peek(self in out nocopy account, n number default 1) return number, member procedure show(self in account, text out varchar2), static function zero return account)"
    )
    sql.run(`create type body account as
member procedure add(n number, now out number) is begin total := total + n; now := total; end;
member procedure twice(n in out number) is m number; begin add(n, m); self.add(n, m); n := m; end;
member function peek(self in out nocopy account, n number default 1) return number is begin total := total + n; return total; end;
member procedure show(self in account, text out varchar2) is begin text := 'total ' || total; end;
static function zero return account is begin return account(0); end;
end;`)
    assert.strictEqual(
      out("declare a account := account.zero(); n number := 5; begin a.twice(n); :1 := n || ' ' || a.total; end;"),
      "10 10"
    )
    assert.strictEqual(
      out(
        "declare a account := account(7); t varchar2(20); begin a.show(text => t); account.zero().show(t); :1 := t || a.total; end;"
      ),
      "total 07"
    )
    assert.match(
      sql.error("declare a constant account := account(7); n number; begin a.add(1, n); end;"),
      /PLS-00363: expression 'A' cannot be used as an assignment target/
    )
  })

  it("tells lines and units of errors, and belongs to its session", () => {
    sql.run("create type failing as object (a number, member function f return varchar2)")
    assert.match(
      sql.error("declare x failing := failing(0); v varchar2(9); begin v := x.f; end;"),
      /^ORA-04067: not executed, type body "HR.FAILING" does not exist/
    )
    sql.run(
      "create type body failing as\nmember function f return varchar2 is begin\nreturn sys_context('userenv', 'sid') || to_char(1 / a);\nend;\nend;"
    )
    assert.strictEqual(
      sql.error("declare x failing := failing(0); v varchar2(9); begin\nv := x.f; end;"),
      "ORA-01476: divisor is equal to zero\nORA-06512: at \"HR.FAILING\", line 3\nORA-06512: at line 2"
    )
    const other = opened.at(-1)!.open()
    const ids = [sql, other].map((each) => each.value("select failing(1).f() from dual"))
    assert.notStrictEqual(ids[0], ids[1])
  })

  it("changes nothing within a query", () => {
    sql.run("create table log (n number)")
    sql.run("create type logging as object (a number, member function f return number)")
    sql.run(
      "create type body logging as member function f return number is begin insert into log values (1); return a; end; end;"
    )
    assert.match(sql.error("select logging(1).f() from dual"), /^ORA-14551/)
    assert.strictEqual(out("begin :1 := logging(1).f() + 1; end;"), "2")
  })

  it("refuses what Oracle refuses", () => {
    sql.run(
      "create type open_ as object (a number, not instantiable member function f return number) not instantiable not final"
    )
    sql.run("create type closed under open_ (overriding member function f return number)")
    sql.run("create type body closed as overriding member function f return number is begin return a * 2; end; end;")
    assert.strictEqual(out("declare o open_ := closed(4); begin :1 := o.f; end;"), "8")
    const cases: ReadonlyArray<readonly [string, RegExp]> = [
      [
        "declare o open_ := open_(1); begin null; end;",
        /PLS-00713: attempting to instantiate a type that is NOT INSTANTIABLE/
      ],
      ["select open_(1) from dual", /^ORA-22826: cannot construct an instance of a non instantiable type/],
      ["drop type person", /^ORA-02303/],
      ["declare s student; p person := person(1, 'a'); begin s := p; end;", /PLS-00382: expression is of wrong type/],
      [
        "declare s student; p person := person(1, 'a'); begin s := treat(p as student); end;",
        /^ORA-06502: .*cannot assign supertype instance to subtype/
      ],
      [
        "declare p person := student('a'); begin p.school := 'b'; end;",
        /PLS-00302: component 'SCHOOL' must be declared/
      ],
      [
        "declare p person := student('a'); v varchar2(9); begin v := p.school; end;",
        /PLS-00302: component 'SCHOOL' must be declared/
      ]
    ]
    for (const [text, message] of cases) assert.match(sql.error(text), message, text)
    const invalid: ReadonlyArray<readonly [string, RegExp]> = [
      ["under phd (a number)", /^PLS-00590: attempting to create a subtype UNDER a FINAL type/],
      ["under nosuch (a number)", /^PLS-00201: identifier 'NOSUCH' must be declared/],
      ["under person (name number)", /^PLS-00410: duplicate fields/],
      ["under person (overriding member function nosuch return number)", /^PLS-00635: method does not override/],
      ["under person (member function kind return varchar2)", /^PLS-00636: overriding method must be specified/],
      [
        "under open_ (b number)",
        /^PLS-00634: type with NOT INSTANTIABLE methods must be declared NOT INSTANTIABLE/
      ]
    ]
    for (const [shape, message] of invalid) {
      assert.strictEqual(sql.run(`create or replace type x ${shape}`).warning?.code, 24344)
      assert.match(String(sql.value("select text from user_errors where name = 'X' and line > 0")), message)
    }
  })
})

describe("objects of subtypes in columns", () => {
  beforeEach(() => {
    sql.run("create type persons as table of person")
    sql.run("create table members (id number, who person)")
    sql.run("insert into members values (1, person(1, 'Ann'))")
    sql.run("insert into members values (2, student(2, 'Bo', 'MIT'))")
    sql.run("insert into members values (3, phd(3, 'Cy', 'ETH', 'sets'))")
    sql.run("insert into members values (4, null)")
  })
  it("keep their own type", () => {
    assert.deepStrictEqual(sql.rows("select m.who.show() from members m where id < 4 order by id"), [
      ["person Ann"],
      ["student of MIT Bo"],
      ["Dr. student of ETH Cy/person"]
    ])
    assert.deepStrictEqual(sql.rows("select treat(m.who as student).school from members m order by id"), [
      [null],
      ["MIT"],
      ["ETH"],
      [null]
    ])
    assert.strictEqual(
      out(
        "declare p person; l persons; begin select who into p from members where id = 2; select who bulk collect into l from members where id < 4 order by id; :1 := p.show || l(3).name || l(2).kind; end;"
      ),
      "student of MIT BoCystudent of MIT"
    )
  })
  it("are told apart by IS OF", () => {
    const ids = (condition: string): unknown =>
      sql.rows(`select id from members m where ${condition} order by id`).map(([id]) => id)
    assert.deepStrictEqual(ids("who is of (student)"), ["2", "3"])
    assert.deepStrictEqual(ids("who is of type (only student)"), ["2"])
    assert.deepStrictEqual(ids("who is not of (only person, phd)"), ["2"])
    assert.deepStrictEqual(ids("who is of (person)"), ["1", "2", "3"])
    assert.match(sql.error("select 1 from members where id is of (person)"), /^ORA-00932/)
    assert.strictEqual(
      out(
        "declare p person := student('a'); begin if p is of (student) and p is not of (phd) then :1 := treat(p as student).school; end if; end;"
      ),
      "none"
    )
  })
  it("are equal only to objects of their own type", () => {
    sql.run("create type thing as object (a number) not final")
    sql.run("create type special under thing (b number)")
    assert.strictEqual(
      out(
        "declare a thing := thing(1); b thing := special(1, null); c thing := special(1, 2); d special := special(1, 2); begin :1 := case when a = b then 'eq' else 'ne' end || case when c = d then 'eq' else 'ne' end; end;"
      ),
      "neeq"
    )
  })
})

describe("the dictionary of subtypes", () => {
  it("tells what is inherited", () => {
    assert.deepStrictEqual(
      sql.rows(
        "select type_name, final, instantiable, supertype_name, attributes, local_attributes, methods, local_methods from user_types order by type_name"
      ),
      [
        ["PERSON", "NO", "YES", null, "2", null, "4", null],
        ["PHD", "YES", "YES", "STUDENT", "4", "1", "4", "1"],
        ["STUDENT", "NO", "YES", "PERSON", "3", "1", "5", "3"]
      ]
    )
    assert.deepStrictEqual(
      sql.rows("select attr_name, inherited from user_type_attrs where type_name = 'STUDENT' order by attr_no"),
      [["ID", "YES"], ["NAME", "YES"], ["SCHOOL", "NO"]]
    )
    assert.deepStrictEqual(
      sql.rows(
        "select method_name, overriding, inherited from user_type_methods where type_name = 'STUDENT' order by method_no"
      ),
      [["KIND", "YES", "NO"], ["SHOW", "NO", "YES"], ["MAKE", "NO", "YES"], ["RENAME", "YES", "NO"], [
        "STUDENT",
        "NO",
        "NO"
      ]]
    )
  })
})
