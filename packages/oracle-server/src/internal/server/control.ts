/** What the control interface does to a running server: faults, shutdowns. */
import type { Fault } from "../../Fault.ts"
import type { ArmedFault } from "./faultBook.ts"
import type { Member } from "./member.ts"
import type { RunningServer } from "./start.ts"

/** The in-band notice that a shutdown is planned. */
export const plannedShutdown = 12_572

/** Puts a fault in force, on connections that exist already where it says so. */
export const arm = (running: RunningServer, fault: Fault): ArmedFault => {
  const { faults, instances } = running.cluster
  const armed = faults.arm(fault)
  if (fault._tag !== "Cut" || fault.since !== "now") return armed
  const only = fault.sid === undefined ? undefined : running.cluster.findSession(fault.sid)
  for (const { connections } of instances) {
    for (const connection of connections) {
      if (fault.sid !== undefined && only?.connection !== connection) continue
      connection.transport.limit(faults.limitFromNow(armed, fault, () => disarm(running, armed)))
    }
  }
  return armed
}

/** Takes a fault back, from connections that it has not cut yet too. */
export const disarm = (running: RunningServer, armed: ArmedFault): void => {
  running.cluster.faults.disarm(armed)
  for (const { connections } of running.cluster.instances) {
    for (const { transport } of connections) transport.lift(armed)
  }
}

/** Takes an instance down. */
export const takeDown = async (instance: Member, mode: "abort" | "immediate" | "listener" | "drain"): Promise<void> => {
  instance.goDown()
  if (mode === "listener") return instance.stopListening()
  if (mode === "immediate" || mode === "drain") {
    for (const connection of instance.connections) {
      connection.announce(plannedShutdown)
      if (mode === "immediate") connection.end()
    }
  }
  if (mode === "drain") return
  instance.cutAll(false)
  instance.engine.loseInstance(instance.name)
}
