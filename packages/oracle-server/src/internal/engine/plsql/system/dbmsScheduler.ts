/** DBMS_SCHEDULER: jobs that run once, at a time, or again and again. Programs, schedules and chains are not known. */
import { blockOf, intervalOf, type Job } from "../../statements/jobs.ts"
import type { Step } from "../../storage/waiting.ts"
import { decodeZoned } from "../../values/calendar.ts"
import { oraError, unimplemented } from "../../values/oraError.ts"
import type { Caller, SystemPackage } from "../native.ts"
import { type Arguments, integerOf, textOf } from "./arguments.ts"

const keyOf = (caller: Caller, name: string): string => {
  const path = name.toUpperCase().replaceAll("\"", "").split(".")
  return path.length > 1 ? path.join(".") : `${caller.session.currentSchema}.${path[0]!}`
}

const jobOf = (caller: Caller, args: Arguments, name: string): Job =>
  caller.host.core.jobs.find(keyOf(caller, textOf(args[name]) ?? ""))

const types = new Set(["PLSQL_BLOCK", "STORED_PROCEDURE"])

/** Milliseconds since 1970. */
const startOf = (value: string | null): number | undefined =>
  value === null ? undefined : decodeZoned(value).seconds * 1000

const createJob = (caller: Caller, args: Arguments): void => {
  const type = (textOf(args["job_type"]) ?? "").toUpperCase()
  if (!types.has(type)) throw unimplemented(`jobs of type ${type}`)
  if ((integerOf(args["number_of_arguments"]) ?? 0) > 0) throw unimplemented("jobs with arguments")
  const repeat = textOf(args["repeat_interval"]) ?? undefined
  const every = repeat === undefined ? undefined : intervalOf(repeat)
  if (repeat !== undefined && every === undefined) throw unimplemented(`the repeat interval ${repeat}`)
  if (args["end_date"] !== null) throw unimplemented("end dates of jobs")
  const [owner, name] = keyOf(caller, textOf(args["job_name"]) ?? "").split(".") as [string, string]
  if (name === "") throw oraError(27451, "JOB_NAME cannot be NULL")
  const { jobs } = caller.host.core
  const job: Job = {
    owner,
    name,
    type,
    action: textOf(args["job_action"]) ?? "",
    start: startOf(args["start_date"] as string | null),
    repeat,
    every,
    autoDrop: args["auto_drop"] === 1,
    enabled: false,
    running: false,
    runs: 0,
    failures: 0,
    next: undefined
  }
  // Creating a job commits, as every call of the package does.
  caller.host.executor.commit()
  jobs.add(job)
  if (args["enabled"] === 1) jobs.enable(job)
}

/** In the caller's session, which sees its failure, or in one of its own. */
function* runJob(caller: Caller, args: Arguments): Step<void> {
  const job = jobOf(caller, args, "job_name")
  const { jobs } = caller.host.core
  if (args["use_current_session"] === 0) {
    void jobs.run(job, () => jobs.runAs(job.owner, blockOf(job)))
    return
  }
  try {
    yield* caller.host.runDynamic(blockOf(job), [], [])
    jobs.ended(job, undefined)
  } catch (error) {
    jobs.ended(job, error as Error)
    throw error
  }
}

export const dbmsScheduler: SystemPackage = {
  spec: `package dbms_scheduler is
  procedure create_job(job_name in varchar2, job_type in varchar2, job_action in varchar2,
    number_of_arguments in pls_integer default 0, start_date in timestamp with time zone default null,
    repeat_interval in varchar2 default null, end_date in timestamp with time zone default null,
    job_class in varchar2 default 'DEFAULT_JOB_CLASS', enabled in boolean default false,
    auto_drop in boolean default true, comments in varchar2 default null);
  procedure run_job(job_name in varchar2, use_current_session in boolean default true);
  procedure enable(name in varchar2, commit_semantics in varchar2 default 'STOP_ON_FIRST_ERROR');
  procedure disable(name in varchar2, force in boolean default false,
    commit_semantics in varchar2 default 'STOP_ON_FIRST_ERROR');
  procedure drop_job(job_name in varchar2, force in boolean default false, defer in boolean default false,
    commit_semantics in varchar2 default 'STOP_ON_FIRST_ERROR');
end;`,
  natives: {
    CREATE_JOB: createJob,
    RUN_JOB: runJob,
    ENABLE: (caller, args) => caller.host.core.jobs.enable(jobOf(caller, args, "name")),
    DISABLE: (caller, args) => caller.host.core.jobs.disable(jobOf(caller, args, "name")),
    DROP_JOB: (caller, args) => caller.host.core.jobs.drop(jobOf(caller, args, "job_name"))
  }
}
