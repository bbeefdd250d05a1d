// A view that is fetched when somebody goes to it, so that nobody waits for what they do not look at.
import type { ComponentType, VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { t } from "../i18n.ts";

export function lazily(load: () => Promise<ComponentType>): ComponentType {
  let loaded: ComponentType | undefined;
  return function Lazy(): VNode {
    const [, redraw] = useState<ComponentType>();
    const [failed, setFailed] = useState(false);
    useEffect(() => {
      if (loaded) return;
      load().then(
        (view) => {
          loaded = view;
          redraw(() => view);
        },
        () => setFailed(true),
      );
    }, []);
    const View = loaded;
    if (View) return <View />;
    return <main class="place">{failed && <NotLoaded />}</main>;
  };
}

function NotLoaded(): VNode {
  return (
    <div class="problem" role="alert">
      <p>{t("placeNotLoaded")}</p>
      <div class="actions">
        <button type="button" onClick={() => location.reload()}>{t("reload")}</button>
      </div>
    </div>
  );
}
