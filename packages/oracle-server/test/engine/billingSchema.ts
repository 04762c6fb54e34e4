/** The schema of `billing.test.ts`, a definition after the other: tables, types, packages, triggers, views. */

export const billingSchema = [
  `create table app_log (id number generated always as identity primary key, at_ timestamp default systimestamp not null,
    level_ varchar2(5) not null check (level_ in ('DEBUG', 'INFO', 'ERROR')), unit varchar2(261), message varchar2(4000), stack clob)`,
  "create table app_settings (name varchar2(30) primary key, value varchar2(200), numeric_ as (case when validate_conversion(value as number) = 1 then to_number(value) end))",
  `create table customers (id number primary key, name varchar2(60) not null, email varchar2(120) unique, status char(1) default 'A' not null,
    constraint customers_status check (status in ('A', 'B', 'C')))`,
  `create table invoices (id number primary key, customer_id number not null references customers, day_ date not null,
    total number(12, 2) default 0 not null, state varchar2(10) default 'OPEN' not null)`,
  `create table invoice_lines (invoice_id number references invoices on delete cascade, line_no number, article varchar2(30),
    quantity number(8) check (quantity > 0), price number(10, 2), constraint lines_pk primary key (invoice_id, line_no))`,
  "create table invoice_audit (invoice_id number, action char(1), old_total number, new_total number, who varchar2(60), lines_ number)",
  "create table import_errors (batch number, position number, code number, message varchar2(200))",
  "create sequence invoice_seq start with 1000",
  "create sequence batch_seq",
  "create type tax_rule as object (name varchar2(20), not instantiable member function tax(amount number) return number, member function describe return varchar2) not instantiable not final",
  "create type body tax_rule as member function describe return varchar2 is begin return name || ' of 100: ' || to_char(tax(100), 'FM990.00'); end; end;",
  "create type rate_rule under tax_rule (rate number, overriding member function tax(amount number) return number)",
  "create type body rate_rule as overriding member function tax(amount number) return number is begin return round(amount * rate, 2); end; end;",
  "create type capped_rule under tax_rule (rate number, cap number, overriding member function tax(amount number) return number, overriding member function describe return varchar2)",
  `create type body capped_rule as
  overriding member function tax(amount number) return number is begin return least(round(amount * rate, 2), cap); end;
  overriding member function describe return varchar2 is begin return (self as tax_rule).describe || ' (at most ' || cap || ')'; end;
end;`,
  "create type tax_rules as table of tax_rule",
  "create table tax_book (country varchar2(2) primary key, rule tax_rule)",
  "create type line_t as object (article varchar2(30), quantity number, price number, map member function amount return number)",
  "create type body line_t as map member function amount return number is begin return quantity * price; end; end;",
  "create type lines_t as table of line_t",
  "create type statement_row as object (customer varchar2(60), invoices number, total number, running number)",
  "create type statement_rows as table of statement_row",
  `create or replace package app_logger authid definer as
  subtype level_t is app_log.level_%type;
  debug_ constant level_t := 'DEBUG';
  info_ constant level_t := 'INFO';
  error_ constant level_t := 'ERROR';
  procedure set_level(l level_t);
  procedure log_(m varchar2, l level_t default info_);
  procedure error(m varchar2 default null);
  function count_(l level_t default null) return pls_integer;
end app_logger;`,
  `create or replace package body app_logger as
  g_level level_t := info_;
  type ranks is table of pls_integer index by varchar2(5);
  rank_of ranks;
  procedure write_(m varchar2, l level_t, s clob default null) is
    pragma autonomous_transaction;
    caller_ varchar2(261);
  begin
    caller_ := regexp_substr(dbms_utility.format_call_stack, 'HR\\.[A-Z_]+', 1, 3);
    insert into app_log (level_, unit, message, stack) values (l, nvl(caller_, 'anonymous'), substr(m, 1, 4000), s);
    commit;
  end write_;
  procedure set_level(l level_t) is begin g_level := l; end;
  procedure log_(m varchar2, l level_t default info_) is
  begin
    if rank_of(l) >= rank_of(g_level) then write_(m, l); end if;
  end;
  procedure error(m varchar2 default null) is
  begin
    write_(nvl(m, sqlerrm), error_, dbms_utility.format_error_stack || dbms_utility.format_error_backtrace);
  end;
  function count_(l level_t default null) return pls_integer is n pls_integer;
  begin
    select count(*) into n from app_log where level_ = nvl(l, level_);
    return n;
  end;
begin
  rank_of(debug_) := 1; rank_of(info_) := 2; rank_of(error_) := 3;
end app_logger;`,
  `create or replace package settings as
  function get(name_ app_settings.name%type, otherwise varchar2 default null) return varchar2 result_cache;
  function get(name_ app_settings.name%type, otherwise number) return number;
  procedure put(name_ varchar2, value_ varchar2);
end;`,
  `create or replace package body settings as
  function get(name_ app_settings.name%type, otherwise varchar2 default null) return varchar2 result_cache is v app_settings.value%type;
  begin
    select value into v from app_settings where name = name_;
    return v;
  exception when no_data_found then return otherwise;
  end;
  function get(name_ app_settings.name%type, otherwise number) return number is v number;
  begin
    select numeric_ into v from app_settings where name = name_;
    return nvl(v, otherwise);
  exception when no_data_found then return otherwise;
  end;
  procedure put(name_ varchar2, value_ varchar2) is
  begin
    merge into app_settings s using (select name_ n, value_ v from dual) x on (s.name = x.n)
    when matched then update set s.value = x.v when not matched then insert (name, value) values (x.n, x.v);
  end;
end;`,
  `create or replace package billing as
  customer_blocked exception;
  pragma exception_init(customer_blocked, -20010);
  invoice_closed exception;
  type invoice_rec is record (header invoices%rowtype, lines_ lines_t := lines_t());
  type id_list is table of invoices.id%type index by pls_integer;
  type report_cur is ref cursor return invoices%rowtype;
  function new_invoice(customer_ customers.id%type, lines_ lines_t, day_ date default trunc(sysdate)) return invoices.id%type;
  function new_invoice(email_ customers.email%type, lines_ lines_t) return invoices.id%type;
  function load(id_ invoices.id%type) return invoice_rec;
  procedure save(rec in out nocopy invoice_rec);
  procedure close_(ids id_list, closed_ out pls_integer);
  procedure import_(batch_ out number, customers_ sys.odcinumberlist, prices sys.odcinumberlist);
  function open_report(state_ varchar2 default 'OPEN') return report_cur;
  function search(column_ varchar2, value_ varchar2, max_ pls_integer := 10) return sys_refcursor;
  function statement_(min_ number default 0) return statement_rows pipelined;
  function tax(country_ varchar2, amount number) return number;
end billing;`,
  `create or replace package body billing as
  g_calls simple_integer := 0;
  function total_of(lines_ lines_t) return number is
    t number := 0;
    i pls_integer := lines_.first;
  begin
    <<each_line>>
    while i is not null loop
      t := t + nvl(lines_(i).amount, 0);
      i := lines_.next(i);
    end loop each_line;
    return t;
  end;
  procedure check_customer(c customers%rowtype) is
  begin
    case c.status
      when 'B' then raise_application_error(-20010, 'customer ' || c.name || ' is blocked');
      when 'C' then raise_application_error(-20011, 'customer ' || c.name || ' is closed', true);
      else null;
    end case;
  end;
  function new_invoice(customer_ customers.id%type, lines_ lines_t, day_ date default trunc(sysdate)) return invoices.id%type is
    c customers%rowtype;
    id_ invoices.id%type;
    total_ number;
  begin
    g_calls := g_calls + 1;
    select * into c from customers where id = customer_ for update;
    check_customer(c);
    total_ := total_of(lines_);
    insert into invoices (id, customer_id, day_, total) values (invoice_seq.nextval, c.id, new_invoice.day_, total_)
      returning id into id_;
    insert into invoice_lines (invoice_id, line_no, article, quantity, price)
      select id_, rownum, l.article, l.quantity, l.price from table(lines_) l;
    app_logger.log_('invoice ' || id_ || ' for ' || c.name, app_logger.debug_);
    return id_;
  exception
    when no_data_found then
      app_logger.error('no customer ' || customer_);
      raise_application_error(-20012, 'no customer ' || customer_);
    when customer_blocked then
      app_logger.error;
      raise;
  end;
  function new_invoice(email_ customers.email%type, lines_ lines_t) return invoices.id%type is
    id_ customers.id%type;
  begin
    select max(id) into id_ from customers where email = lower(email_);
    return new_invoice(customer_ => id_, lines_ => lines_);
  end;
  function load(id_ invoices.id%type) return invoice_rec is rec invoice_rec;
  begin
    select * into rec.header from invoices where id = id_;
    select line_t(article, quantity, price) bulk collect into rec.lines_ from invoice_lines where invoice_id = id_ order by line_no;
    return rec;
  end;
  procedure save(rec in out nocopy invoice_rec) is
  begin
    if rec.header.state = 'CLOSED' then raise invoice_closed; end if;
    rec.header.total := total_of(rec.lines_);
    update invoices set row = rec.header where id = rec.header.id;
    delete from invoice_lines where invoice_id = rec.header.id;
    forall i in indices of rec.lines_
      insert into invoice_lines values (rec.header.id, i, rec.lines_(i).article, rec.lines_(i).quantity, rec.lines_(i).price);
  end;
  procedure close_(ids id_list, closed_ out pls_integer) is
    touched id_list;
  begin
    forall i in indices of ids
      update invoices set state = 'CLOSED' where id = ids(i) and state = 'OPEN' returning id bulk collect into touched;
    closed_ := sql%rowcount;
    for i in 1 .. touched.count loop app_logger.log_('closed ' || touched(i), app_logger.debug_); end loop;
  end;
  procedure import_(batch_ out number, customers_ sys.odcinumberlist, prices sys.odcinumberlist) is
    bulk_errors exception;
    pragma exception_init(bulk_errors, -24381);
    type rows_t is table of invoices%rowtype;
    rows_ rows_t := rows_t();
    e pls_integer;
    text_ varchar2(200);
  begin
    batch_ := batch_seq.nextval;
    for i in 1 .. customers_.count loop
      rows_.extend;
      rows_(i).id := batch_ * 100000 + i;
      rows_(i).customer_id := customers_(i);
      rows_(i).day_ := date '2024-01-31' + i;
      rows_(i).total := prices(i);
      rows_(i).state := 'IMPORTED';
    end loop;
    forall i in 1 .. rows_.count save exceptions insert into invoices values rows_(i);
  exception when bulk_errors then
    e := sql%bulk_exceptions.count;
    for k in 1 .. e loop
      text_ := sqlerrm(-sql%bulk_exceptions(k).error_code);
      insert into import_errors values (batch_, sql%bulk_exceptions(k).error_index, sql%bulk_exceptions(k).error_code, text_);
    end loop;
    app_logger.log_(e || ' of ' || rows_.count || ' rows of batch ' || batch_ || ' failed');
  end;
  function open_report(state_ varchar2 default 'OPEN') return report_cur is c report_cur;
  begin
    open c for select * from invoices where state = state_ order by id;
    return c;
  end;
  function search(column_ varchar2, value_ varchar2, max_ pls_integer := 10) return sys_refcursor is
    c sys_refcursor;
    text_ varchar2(500) := 'select id, name from customers where ' || dbms_assert.simple_sql_name(column_);
  begin
    if instr(value_, '%') > 0 then
      open c for text_ || ' like :v order by id fetch first :n rows only' using value_, max_;
    else
      open c for text_ || ' = :v order by id fetch first :n rows only' using value_, max_;
    end if;
    return c;
  end;
  function statement_(min_ number default 0) return statement_rows pipelined is
    cursor sums(least_ number) is
      select c.name, count(i.id) n, nvl(sum(i.total), 0) total from customers c left join invoices i on i.customer_id = c.id
      group by c.id, c.name having nvl(sum(i.total), 0) >= least_ order by c.id;
    type list_t is table of sums%rowtype;
    list_ list_t;
    running number := 0;
  begin
    open sums(min_);
    loop
      fetch sums bulk collect into list_ limit 2;
      exit when list_.count = 0;
      for i in list_.first .. list_.last loop
        running := running + list_(i).total;
        pipe row (statement_row(list_(i).name, list_(i).n, list_(i).total, running));
      end loop;
    end loop;
    close sums;
    return;
  exception when no_data_needed then
    close sums;
    app_logger.log_('statement stopped');
  end;
  function tax(country_ varchar2, amount number) return number is r tax_rule;
  begin
    select rule into r from tax_book where country = country_;
    return r.tax(amount);
  exception when no_data_found then return 0;
  end;
end billing;`,
  `create or replace trigger invoices_audit for insert or update or delete on invoices compound trigger
  type entries is table of invoice_audit%rowtype index by pls_integer;
  list_ entries;
  before statement is begin list_.delete; end before statement;
  before each row is
  begin
    if updating and :old.state = 'CLOSED' and :new.state <> 'OPEN' then
      raise_application_error(-20020, 'invoice ' || :old.id || ' is closed');
    end if;
    if not deleting then :new.total := round(:new.total, 2); end if;
  end before each row;
  after each row is
    e invoice_audit%rowtype;
  begin
    e.invoice_id := coalesce(:new.id, :old.id);
    e.action := case when inserting then 'I' when updating then 'U' else 'D' end;
    e.old_total := :old.total;
    e.new_total := :new.total;
    e.who := nvl(sys_context('userenv', 'client_identifier'), user);
    list_(list_.count + 1) := e;
  end after each row;
  after statement is
  begin
    for i in 1 .. list_.count loop
      select count(*) into list_(i).lines_ from invoice_lines where invoice_id = list_(i).invoice_id;
    end loop;
    forall i in 1 .. list_.count insert into invoice_audit values list_(i);
  end after statement;
end invoices_audit;`,
  `create or replace view customer_totals as
  select c.id, c.name, c.status, (select nvl(sum(total), 0) from invoices i where i.customer_id = c.id) total from customers c`,
  `create or replace trigger customer_totals_io instead of update or delete on customer_totals for each row
begin
  if deleting then update customers set status = 'C' where id = :old.id;
  else update customers set name = :new.name, status = :new.status where id = :new.id; end if;
end;`,
  `create or replace procedure nightly is
  n pls_integer;
  ids billing.id_list;
begin
  select id bulk collect into ids from invoices where state = 'OPEN' and total = 0;
  billing.close_(ids, n);
  settings.put('last_run', to_char(n));
  app_logger.log_('nightly: ' || n);
  commit;
exception when others then
  rollback;
  app_logger.error('nightly');
  raise;
end nightly;`
]
