// The places of the page, in the order of the rail. A place is a folder with its own view.
import type { ComponentType } from "preact";
import type { Messages } from "../messages/en.ts";
import { Talk } from "../talk/talk.tsx";
import type { IconName } from "./icon.tsx";

export interface Place {
  /** The first word of its address. */
  id: string;
  name: keyof Messages;
  icon: IconName;
  view: ComponentType;
}

export const talk: Place = { id: "talk", name: "conversations", icon: "talk", view: Talk };
export const places: readonly Place[] = [talk];
