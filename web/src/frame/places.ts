// The places of the page, in the order of the rail. A place is a folder with its own view.
import type { ComponentType } from "preact";
import type { Gateway } from "../gateway.ts";
import type { Messages } from "../messages/en.ts";
import { Talk } from "../talk/talk.tsx";
import type { IconName } from "./icon.tsx";
import { lazily } from "./lazily.tsx";

export interface Place {
  /** The first word of its address. */
  id: string;
  name: keyof Messages;
  icon: IconName;
  view: ComponentType;
  /** Whether it is there for whoever sits here; asked once the gateway has let them in. */
  isOffered(gateway: Gateway): boolean;
}

export const talk: Place = { id: "talk", name: "conversations", icon: "talk", view: Talk, isOffered: () => true };
const flow: Place = {
  id: "flow",
  name: "flow",
  icon: "flow",
  view: lazily(async () => (await import("../flow/flow.tsx")).Flow),
  isOffered: (gateway) => gateway.isOperator && gateway.offers("workers.list"),
};
const places: readonly Place[] = [talk, flow];

/** The places that there are for whoever sits here; none until that is known. */
export function offered(gateway: Gateway): readonly Place[] {
  return gateway.hello.value ? places.filter((place) => place.isOffered(gateway)) : [];
}

/** The place of that name. Until it is known who sits here, every one may be theirs. */
export function placeOf(id: string, gateway: Gateway): Place {
  const choice = gateway.hello.value ? offered(gateway) : places;
  return choice.find((place) => place.id === id) ?? talk;
}
