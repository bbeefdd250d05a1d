// What the browser keeps for the page between visits. It never throws: with storage full or forbidden
// the page works on and remembers until it is closed.

const PREFIX = "openclaw.";
const memory = new Map<string, string>();

export function load(name: string): string | undefined {
  try {
    return memory.get(name) ?? localStorage.getItem(PREFIX + name) ?? undefined;
  } catch {
    return undefined;
  }
}

export function save(name: string, value: string): void {
  try {
    localStorage.setItem(PREFIX + name, value);
    memory.delete(name);
  } catch {
    memory.set(name, value);
  }
}

export function remove(name: string): void {
  memory.delete(name);
  try {
    localStorage.removeItem(PREFIX + name);
  } catch {
    // Nothing was kept, so nothing is left to remove.
  }
}

/** The names that begin with `start`, in no order. */
export function names(start: string): string[] {
  const found = new Set(memory.keys());
  try {
    for (let index = 0; index < localStorage.length; index += 1) {
      const key = localStorage.key(index);
      if (key?.startsWith(PREFIX)) found.add(key.slice(PREFIX.length));
    }
  } catch {
    // Only what is in memory, then.
  }
  return [...found].filter((name) => name.startsWith(start));
}

/** Calls back when another tab removes what is kept under a name. */
export function onRemoved(listen: (name: string) => void): void {
  window.addEventListener("storage", (event) => {
    if (event.key?.startsWith(PREFIX) && event.newValue === null) listen(event.key.slice(PREFIX.length));
  });
}
