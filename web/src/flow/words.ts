// The words of this place.
import { type Catalogs, speaker } from "../i18n.ts";
import { type FlowMessages, en } from "./messages/en.ts";
import { ru } from "./messages/ru.ts";
import { zh } from "./messages/zh.ts";

export const catalogs: Catalogs<FlowMessages> = { en, ru, zh };
export const tell = speaker<FlowMessages>(catalogs);
