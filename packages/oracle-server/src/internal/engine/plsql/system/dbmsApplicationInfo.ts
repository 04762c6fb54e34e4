/** DBMS_APPLICATION_INFO: what a session says of its work. */
import type { SystemPackage } from "../native.ts"
import { textOf } from "./arguments.ts"

export const dbmsApplicationInfo: SystemPackage = {
  spec: `package dbms_application_info is
  procedure set_module(module_name in varchar2, action_name in varchar2);
  procedure set_action(action_name in varchar2);
  procedure set_client_info(client_info in varchar2);
  procedure read_module(module_name out varchar2, action_name out varchar2);
  procedure read_client_info(client_info out varchar2);
end;`,
  natives: {
    SET_MODULE: ({ session }, args) =>
      session.setEndToEnd({ module: textOf(args["module_name"]), action: textOf(args["action_name"]) }),
    SET_ACTION: ({ session }, args) => session.setEndToEnd({ action: textOf(args["action_name"]) }),
    SET_CLIENT_INFO: ({ session }, args) => session.setEndToEnd({ clientInfo: textOf(args["client_info"]) }),
    READ_MODULE: ({ session }, args) => {
      args["module_name"] = session.module
      args["action_name"] = session.action
    },
    READ_CLIENT_INFO: ({ session }, args) => {
      args["client_info"] = session.clientInfo
    }
  }
}
