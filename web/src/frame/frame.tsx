// What surrounds every place: the strip on top, the rail of places, and the page for those not let in.
import type { VNode } from "preact";
import { t } from "../i18n.ts";
import { go, route } from "../store/route.ts";
import { useGateway } from "./context.ts";
import { Icon } from "./icon.tsx";
import { KeysDialog } from "./keys.tsx";
import { type Place, places, talk } from "./places.ts";
import { SignIn } from "./sign-in.tsx";
import { Strip } from "./strip.tsx";

export function Frame(): VNode {
  const link = useGateway().connection.link.value;
  if (link.kind === "refused") return <SignIn problem={link.problem} />;
  const place = places.find(({ id }) => id === route.value.place) ?? talk;
  const View = place.view;
  return (
    <div class="frame">
      <Strip />
      {places.length > 1 && <Rail here={place} />}
      <View />
      <KeysDialog />
    </div>
  );
}

function Rail({ here }: { here: Place }): VNode {
  return (
    <nav class="rail">
      {places.map(({ id, name, icon }) => (
        <button key={id} type="button" title={t(name)} aria-label={t(name)} aria-current={id === here.id ? "page" : undefined} onClick={() => go(id)}>
          <Icon name={icon} />
        </button>
      ))}
    </nav>
  );
}
