export function renderSite(root: string, extra?: readonly (readonly [string, string])[]): Map<string, string | Uint8Array>;
