/** Queues for tests, on an embedded server. */
import { OracleQueue } from "@sessionpool/oracle"
import { Schema } from "effect"

export const queueScript = `
create type parcel as object (weight number, label varchar2(20), sent date);
/
begin
  dbms_aqadm.create_queue_table('work_table', 'JSON', sort_list => 'PRIORITY,ENQ_TIME');
  dbms_aqadm.create_queue('work', 'work_table', max_retries => 2);
  dbms_aqadm.start_queue('work');
  dbms_aqadm.create_queue('failed', 'work_table', queue_type => dbms_aqadm.exception_queue);
  dbms_aqadm.start_queue('failed', enqueue => false);
  dbms_aqadm.start_queue('aq$_work_table_e', enqueue => false);
  dbms_aqadm.create_queue_table('bytes_table', 'RAW');
  dbms_aqadm.create_queue('bytes', 'bytes_table');
  dbms_aqadm.start_queue('bytes');
  dbms_aqadm.create_transactional_event_queue('parcels', queue_payload_type => 'PARCEL');
  dbms_aqadm.start_queue('parcels');
end;
/
create table done (id number primary key, attempts number);
`

export const Work = Schema.Struct({ id: Schema.Number, at: Schema.optionalKey(Schema.Date) })

export const workOptions = { queue: "work", payload: OracleQueue.json(Work) }
