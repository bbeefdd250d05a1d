// How a view gets at the model.
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Gateway } from "../gateway.ts";

export const GatewayContext = createContext<Gateway | undefined>(undefined);

export function useGateway(): Gateway {
  const gateway = useContext(GatewayContext);
  if (!gateway) throw new Error("a view was drawn outside the frame");
  return gateway;
}
