/** A schema of more than a hundred objects, of our own making: a workshop that keeps orders, stock and its people. */

/** Each with a table, a sequence, an index, a view, a package and a trigger that notes changes. */
export const entities = [
  "customer",
  "supplier",
  "employee",
  "machine",
  "material",
  "product",
  "warehouse",
  "job_order",
  "delivery",
  "invoice",
  "payment",
  "complaint"
] as const

const entity = (name: string): string => `
create table ${name} (
  ${name}_id number primary key,
  code varchar2(20) not null,
  label varchar2(100),
  amount number(12, 2) default 0 not null check (amount >= 0),
  created date default sysdate,
  constraint ${name}_code_uk unique (code)
);
create sequence ${name}_seq;
create index ${name}_label_ix on ${name} (label);
create view ${name}_v as select ${name}_id, code, upper(label) label, amount from ${name} where amount > 0;

create or replace package ${name}_api as
  type rows_t is table of ${name}%rowtype;
  not_known exception;
  pragma exception_init(not_known, -20100);
  function put(p_code varchar2, p_label varchar2 default null, p_amount number default 0) return number;
  procedure change(p_id number, p_amount number);
  procedure remove(p_id number);
  function total return number;
  function find(p_id number) return ${name}%rowtype;
  function find(p_code varchar2) return ${name}%rowtype;
  function above(p_amount number) return rows_t;
end ${name}_api;
/
create or replace package body ${name}_api as
  changes pls_integer := 0;

  procedure check_known(p_found boolean, p_what varchar2) is
  begin
    if not p_found then
      raise_application_error(-20100, '${name} ' || p_what || ' is not known');
    end if;
  end;

  function put(p_code varchar2, p_label varchar2 default null, p_amount number default 0) return number is
    v_id number;
  begin
    insert into ${name} (code, label, amount) values (p_code, p_label, p_amount) returning ${name}_id into v_id;
    changes := changes + 1;
    return v_id;
  end;

  procedure change(p_id number, p_amount number) is
  begin
    update ${name} set amount = p_amount where ${name}_id = p_id;
    check_known(sql%found, p_id);
    changes := changes + 1;
  end;

  procedure remove(p_id number) is
  begin
    delete from ${name} where ${name}_id = p_id;
    check_known(sql%rowcount = 1, p_id);
  end;

  function total return number is
    v_total number;
  begin
    select nvl(sum(amount), 0) into v_total from ${name};
    return v_total;
  end;

  function find(p_id number) return ${name}%rowtype is
    v_row ${name}%rowtype;
  begin
    select * into v_row from ${name} where ${name}_id = p_id;
    return v_row;
  exception
    when no_data_found then
      check_known(false, p_id);
  end;

  function find(p_code varchar2) return ${name}%rowtype is
    cursor c is select * from ${name} where code = p_code;
    v_row c%rowtype;
  begin
    open c;
    fetch c into v_row;
    check_known(c%found, p_code);
    close c;
    return v_row;
  end;

  function above(p_amount number) return rows_t is
    v_rows rows_t;
  begin
    select * bulk collect into v_rows from ${name} where amount > p_amount order by amount;
    return v_rows;
  end;
end ${name}_api;
/
create or replace trigger ${name}_biu before insert or update on ${name} for each row
begin
  if inserting and :new.${name}_id is null then
    :new.${name}_id := ${name}_seq.nextval;
  end if;
  :new.code := upper(:new.code);
end;
/
create or replace trigger ${name}_note after insert or update or delete on ${name} for each row
begin
  journal.note('${name}', nvl(:new.${name}_id, :old.${name}_id),
    case when inserting then 'I' when updating then 'U' else 'D' end);
end;
/
`

const before = `
create table journal_line (
  line_id number generated always as identity primary key,
  what varchar2(30), id number, kind varchar2(1), who varchar2(128), at_ timestamp default systimestamp
);
create table failure_line (message varchar2(4000));
create or replace type name_list as table of varchar2(100);
/
create or replace type quantity as object (
  amount number, unit varchar2(10),
  member function text return varchar2,
  map member function weight return number
);
/
create or replace type body quantity as
  member function text return varchar2 is begin return amount || ' ' || unit; end;
  map member function weight return number is
  begin
    return case unit when 'kg' then amount * 1000 else amount end;
  end;
end;
/
create or replace type quantity_list as table of quantity;
/
create or replace package journal as
  procedure note(p_what varchar2, p_id number, p_kind varchar2);
  procedure fail(p_message varchar2);
  function count_of(p_what varchar2) return pls_integer;
end journal;
/
create or replace package body journal as
  procedure note(p_what varchar2, p_id number, p_kind varchar2) is
  begin
    insert into journal_line (what, id, kind, who)
    values (p_what, p_id, p_kind, nvl(sys_context('workshop', 'person'), user));
  end;

  procedure fail(p_message varchar2) is
    pragma autonomous_transaction;
  begin
    insert into failure_line values (p_message);
    commit;
  end;

  function count_of(p_what varchar2) return pls_integer is
    n pls_integer;
  begin
    select count(*) into n from journal_line where what = p_what;
    return n;
  end;
end journal;
/
create or replace package person as
  procedure enter(p_name varchar2);
  function name return varchar2;
end person;
/
create or replace package body person as
  procedure enter(p_name varchar2) is
  begin
    dbms_session.set_context('workshop', 'person', p_name);
  end;
  function name return varchar2 is begin return sys_context('workshop', 'person'); end;
end person;
/
create or replace context workshop using person;
`

const after = `
create table stock (
  material_id number references material, warehouse_id number references warehouse,
  held number default 0 not null, constraint stock_pk primary key (material_id, warehouse_id)
);
create view stock_value as
  select w.code warehouse, m.code material, s.held, s.held * m.amount value
  from stock s join material m on m.material_id = s.material_id join warehouse w on w.warehouse_id = s.warehouse_id;
create or replace trigger stock_value_io instead of insert on stock_value
begin
  insert into stock (material_id, warehouse_id, held)
  select m.material_id, w.warehouse_id, :new.held from material m, warehouse w
  where m.code = :new.material and w.code = :new.warehouse;
end;
/
create or replace function vat(p_amount number, p_rate number default 0.2) return number deterministic is
begin
  return round(p_amount * p_rate, 2);
end;
/
create or replace package billing as
  subtype money is number(12, 2);
  type line is record (code varchar2(20), amount money := 0);
  type lines is table of line index by varchar2(20);
  type cursor_t is ref cursor;
  limit_ constant money := 1000;
  procedure bill_all(p_codes name_list, p_amount number);
  function summary return lines;
  function open_lines(p_from number) return cursor_t;
  function heaviest(p_list quantity_list) return quantity;
end billing;
/
create or replace package body billing as
  over_limit exception;

  procedure bill_all(p_codes name_list, p_amount number) is
    v_failed pls_integer := 0;
    bulk_errors exception;
    pragma exception_init(bulk_errors, -24381);
  begin
    if p_amount > limit_ then
      raise over_limit;
    end if;
    forall i in 1 .. p_codes.count save exceptions
      insert into invoice (code, label, amount) values (p_codes(i), 'bill', p_amount);
  exception
    when bulk_errors then
      v_failed := sql%bulk_exceptions.count;
      journal.fail(v_failed || ' bills failed');
    when over_limit then
      journal.fail('over the limit: ' || p_amount);
      raise_application_error(-20200, 'amounts end at ' || limit_);
  end;

  function summary return lines is
    v_lines lines;
  begin
    for r in (select code, amount from invoice order by code) loop
      v_lines(r.code).code := r.code;
      v_lines(r.code).amount := r.amount + vat(r.amount);
    end loop;
    return v_lines;
  end;

  function open_lines(p_from number) return cursor_t is
    c cursor_t;
  begin
    open c for select code, amount from invoice where amount >= p_from order by code;
    return c;
  end;

  function heaviest(p_list quantity_list) return quantity is
    v_best quantity;
  begin
    for i in 1 .. p_list.count loop
      if v_best is null or p_list(i) > v_best then
        v_best := p_list(i);
      end if;
    end loop;
    return v_best;
  end;
end billing;
/
create or replace procedure close_month is
begin
  delete from journal_line where kind = 'D';
  update invoice set label = 'closed' where label = 'bill';
end;
/
create synonym bills for billing;
create synonym notes for journal;
begin
  dbms_scheduler.create_job('month_end', 'STORED_PROCEDURE', 'close_month', auto_drop => false);
  dbms_scheduler.create_job('tidy', 'PLSQL_BLOCK', 'delete from failure_line;', auto_drop => false);
end;
/
`

export const workshop = before + entities.map(entity).join("") + after
