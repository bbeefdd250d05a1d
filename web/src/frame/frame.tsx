// What surrounds every place: the strip on top, the rail of places, and the page for those not let in.
import type { VNode } from "preact";
import { t } from "../i18n.ts";
import { route, visit } from "../store/route.ts";
import { useGateway } from "./context.ts";
import { Icon } from "./icon.tsx";
import { KeysDialog, useKeys } from "./keys.tsx";
import { type Place, offered, placeOf } from "./places.ts";
import { SignIn } from "./sign-in.tsx";
import { Strip } from "./strip.tsx";

export function Frame(): VNode {
  const gateway = useGateway();
  const link = gateway.connection.link.value;
  const places = offered(gateway);
  useKeys(Object.fromEntries(places.map(({ id }, at) => [String(at + 1), () => visit(id)])));
  if (link.kind === "refused") return <SignIn problem={link.problem} />;
  const place = placeOf(route.value.place, gateway);
  const View = place.view;
  return (
    <div class="frame">
      <Strip />
      {places.length !== 1 && <Rail places={places} here={place} />}
      <View key={place.id} />
      <KeysDialog />
    </div>
  );
}

/** It keeps its room while it is not known yet which places there are. */
function Rail({ places, here }: { places: readonly Place[]; here: Place }): VNode {
  return (
    <nav class="rail" aria-label={t("places")}>
      {places.map(({ id, name, icon }, at) => (
        <button key={id} type="button" title={`${t(name)} (${at + 1})`} aria-label={t(name)} aria-current={id === here.id ? "page" : undefined} onClick={() => visit(id)}>
          <Icon name={icon} />
          <span>{t(name)}</span>
        </button>
      ))}
    </nav>
  );
}
